"""An AlexNet for images of 64 x 64 pixels, at about a third of the original's width."""

from collections import OrderedDict

from torch import nn

from sparsecnn.models.caffe import gaussian_, pooled

CHANNELS = (32, 96, 128, 128, 96)
HIDDEN = 1024


def alexnet(in_channels: int = 3, image_size: int = 64, classes: int = 50, dropout: float = 0.5) -> nn.Sequential:
    """Maps [N, in_channels, image_size, image_size] to [N, classes]; 2,953,056 weights, 2,578 biases at its own size.

    Five convolutions and three linear layers, pooled and grouped where AlexNet is (Krizhevsky et al. 2012), with
    dropout behind the first two linear layers. Sizes, the smaller first convolution and that nothing is normalised are
    this project's choice; weights start as in He et al. 2015, those of the last layer as AlexNet's.
    """
    side = pooled(pooled(pooled((image_size + 1) // 2)))
    if side < 1:
        raise ValueError(f"alexnet needs images of at least 15 x 15 pixels, got {image_size}")
    first, second, third, fourth, fifth = CHANNELS
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, first, 5, stride=2, padding=2),
            relu1=nn.ReLU(inplace=True),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            conv2=nn.Conv2d(first, second, 5, padding=2, groups=2),
            relu2=nn.ReLU(inplace=True),
            pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
            conv3=nn.Conv2d(second, third, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(third, fourth, 3, padding=1, groups=2),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(fourth, fifth, 3, padding=1, groups=2),
            relu5=nn.ReLU(inplace=True),
            pool5=nn.MaxPool2d(3, 2, ceil_mode=True),
            flatten=nn.Flatten(),
            fc6=nn.Linear(fifth * side * side, HIDDEN),
            relu6=nn.ReLU(inplace=True),
            drop6=nn.Dropout(dropout),
            fc7=nn.Linear(HIDDEN, HIDDEN),
            relu7=nn.ReLU(inplace=True),
            drop7=nn.Dropout(dropout),
            fc8=nn.Linear(HIDDEN, classes),
        )
    )
    for layer in (module for module in model if isinstance(module, nn.Conv2d | nn.Linear)):
        gaussian_(layer, (2.0 / layer.weight[0].numel()) ** 0.5)
    gaussian_(model.get_submodule("fc8"), 0.01)
    return model
