"""VGG16 for 32 x 32 images, its kernels dense or with pre-defined supports."""

from torch import nn

from sparsecnn.models.kernels import DENSE, conv3x3

# Channels of each convolution; 0 halves the image.
PLAN = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)


def vgg16(supports: str = DENSE, seed: int = 0, in_channels: int = 3, classes: int = 10) -> nn.Sequential:
    """Thirteen convolutions with batch normalisation and one linear layer; the first convolution is always dense.

    Source: Simonyan & Zisserman 2015 as it is used on CIFAR; `supports` as in pSConv (14,728,266 parameters dense);
    those that are drawn are under `seed`, for each layer others.
    """
    layers: list[nn.Module] = []
    before = in_channels
    for number, width in enumerate(PLAN, len(PLAN) * seed):
        if width == 0:
            layers.append(nn.MaxPool2d(2))
            continue
        conv = conv3x3(before, width, bias=True, supports=supports if layers else DENSE, seed=number)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU()]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
