"""3x3 convolutions by the name of their kernels' supports."""

from torch import nn

from sparsecnn.layers import KernelSupports, PredefinedConv2d

DENSE = "psc9"


def conv3x3(
    in_channels: int, channels: int, *, stride: int = 1, bias: bool = False, supports: str = DENSE, seed: int = 0
) -> nn.Conv2d:
    """Padded by 1; an ordinary convolution when all nine positions are kept, else one with a pre-defined support."""
    if supports == DENSE:
        return nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=bias)
    mask = KernelSupports.named(supports, seed).mask(channels, in_channels)
    return PredefinedConv2d(in_channels, channels, 3, mask=mask, stride=stride, padding=1, bias=bias)
