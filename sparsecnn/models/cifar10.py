"""Caffe's two networks for CIFAR-10."""

from collections import OrderedDict

from torch import nn

from sparsecnn.models.caffe import WithinChannelNorm, gaussian_, pooled


def cifar10_quick(in_channels: int = 3, image_size: int = 32, classes: int = 10) -> nn.Sequential:
    """Maps [N, in_channels, image_size, image_size] to [N, classes]; no ReLU behind ip1.

    Source: Caffe, examples/cifar10/cifar10_quick_train_test.prototxt (145,376 weights and 202 biases at its own size).
    """
    side = pooled(pooled(pooled(image_size)))
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, 32, 5, padding=2),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(32, 32, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.AvgPool2d(3, 2, ceil_mode=True),
            conv3=nn.Conv2d(32, 64, 5, padding=2),
            relu3=nn.ReLU(),
            pool3=nn.AvgPool2d(3, 2, ceil_mode=True),
            flatten=nn.Flatten(),
            ip1=nn.Linear(64 * side * side, 64),
            ip2=nn.Linear(64, classes),
        )
    )
    _fill_(model, conv1=1e-4, conv2=0.01, conv3=0.01, ip1=0.1, ip2=0.1)
    return model


def cifar10_full(in_channels: int = 3, image_size: int = 32, classes: int = 10) -> nn.Sequential:
    """Maps [N, in_channels, image_size, image_size] to [N, classes]; normalised within channels behind two poolings.

    Source: Caffe, examples/cifar10/cifar10_full_train_test.prototxt (89,440 weights and 138 biases at its own size).
    """
    side = pooled(pooled(pooled(image_size)))
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(in_channels, 32, 5, padding=2),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            relu1=nn.ReLU(),
            norm1=WithinChannelNorm(),
            conv2=nn.Conv2d(32, 32, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.AvgPool2d(3, 2, ceil_mode=True),
            norm2=WithinChannelNorm(),
            conv3=nn.Conv2d(32, 64, 5, padding=2),
            relu3=nn.ReLU(),
            pool3=nn.AvgPool2d(3, 2, ceil_mode=True),
            flatten=nn.Flatten(),
            ip1=nn.Linear(64 * side * side, classes),
        )
    )
    _fill_(model, conv1=1e-4, conv2=0.01, conv3=0.01, ip1=0.01)
    return model


def _fill_(model: nn.Sequential, **stds: float) -> None:
    for name, std in stds.items():
        gaussian_(model.get_submodule(name), std)
