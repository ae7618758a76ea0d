"""A small network for small images: what the program tries itself out on."""

from collections import OrderedDict

from torch import nn

from sparsecnn.models.caffe import pooled


def small_cnn(in_channels: int = 1, image_size: int = 8, classes: int = 10) -> nn.Sequential:
    """Maps [N, in_channels, image_size, image_size] to [N, classes]: three convolutions, two inner products.

    40,208 weights for the 8 x 8 digits. Initialised as torch does. This project's choice.
    """
    side = pooled(pooled(image_size, 2), 2)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, 16, 3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2, ceil_mode=True),
            conv2=nn.Conv2d(16, 32, 3, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2, ceil_mode=True),
            conv3=nn.Conv2d(32, 64, 3, padding=1),
            relu3=nn.ReLU(),
            flatten=nn.Flatten(),
            ip1=nn.Linear(64 * side * side, 64),
            relu4=nn.ReLU(),
            ip2=nn.Linear(64, classes),
        )
    )
