"""CaffeNet, Caffe's AlexNet: the network of the paper's ImageNet table."""

from collections import OrderedDict

from torch import nn

from sparsecnn.models.caffe import gaussian_, pooled

# Standard deviation of the weights and value of the biases that training starts from.
FILLERS = {
    "conv1": (0.01, 0.0),
    "conv2": (0.01, 1.0),
    "conv3": (0.01, 0.0),
    "conv4": (0.01, 1.0),
    "conv5": (0.01, 1.0),
    "fc6": (0.005, 1.0),
    "fc7": (0.005, 1.0),
    "fc8": (0.01, 0.0),
}


def caffenet(in_channels: int = 3, image_size: int = 227, classes: int = 1000) -> nn.Sequential:
    """Maps [N, in_channels, image_size, image_size] to [N, classes].

    Source: Caffe, models/bvlc_reference_caffenet/train_val.prototxt (60,954,656 weights, 10,568 biases at 227 pixels).
    """
    side = pooled(pooled(pooled((image_size - 11) // 4 + 1)))
    if side < 1:
        raise ValueError(f"caffenet needs images of at least 67 x 67 pixels, got {image_size}")
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, 96, 11, stride=4),
            relu1=nn.ReLU(inplace=True),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            norm1=nn.LocalResponseNorm(5),
            conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
            relu2=nn.ReLU(inplace=True),
            pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
            norm2=nn.LocalResponseNorm(5),
            conv3=nn.Conv2d(256, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
            relu5=nn.ReLU(inplace=True),
            pool5=nn.MaxPool2d(3, 2, ceil_mode=True),
            flatten=nn.Flatten(),
            fc6=nn.Linear(256 * side * side, 4096),
            relu6=nn.ReLU(inplace=True),
            drop6=nn.Dropout(),
            fc7=nn.Linear(4096, 4096),
            relu7=nn.ReLU(inplace=True),
            drop7=nn.Dropout(),
            fc8=nn.Linear(4096, classes),
        )
    )
    for name, (std, bias) in FILLERS.items():
        gaussian_(model.get_submodule(name), std, bias)
    return model
