"""LeNet as Caffe trains it on MNIST."""

from collections import OrderedDict

from torch import nn

from sparsecnn.models.caffe import pooled, xavier_


def lenet(in_channels: int = 1, image_size: int = 28, classes: int = 10) -> nn.Sequential:
    """Maps [N, in_channels, image_size, image_size] to [N, classes]; no ReLU behind the convolutions.

    Source: Caffe, examples/mnist/lenet_train_test.prototxt (430,500 weights and 580 biases at its own size).
    """
    side = pooled(pooled(image_size - 4, 2) - 4, 2)
    if side < 1:
        raise ValueError(f"lenet needs images of at least 16 x 16 pixels, got {image_size}")
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, 20, 5),
            pool1=nn.MaxPool2d(2, ceil_mode=True),
            conv2=nn.Conv2d(20, 50, 5),
            pool2=nn.MaxPool2d(2, ceil_mode=True),
            flatten=nn.Flatten(),
            ip1=nn.Linear(50 * side * side, 500),
            relu1=nn.ReLU(),
            ip2=nn.Linear(500, classes),
        )
    )
    for name in ("conv1", "conv2", "ip1", "ip2"):
        xavier_(model.get_submodule(name))
    return model
