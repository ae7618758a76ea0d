"""Operators on so many channels that keep the shape of an image, to be put into steps."""

from sparsecnn.layers.bitwise import BitwiseConv2d
from sparsecnn.layers.deformable import DeformableConv2d, Through
from sparsecnn.layers.predefined import KernelSupports, PredefinedConv2d


def predefined(channels: int, supports: str = "psd4_p8", seed: int = 0) -> PredefinedConv2d:
    """A 3x3 convolution whose kernels have the supports of that name (`KernelSupports.named`)."""
    mask = KernelSupports.named(supports, seed).mask(channels, channels)
    return PredefinedConv2d(channels, channels, 3, mask=mask, padding=1, bias=False)


def bitwise(channels: int, weight_bits: int = 1, activation_bits: int = 2) -> BitwiseConv2d:
    """A 3x3 convolution of weights and activations of few bits."""
    return BitwiseConv2d(channels, channels, 3, padding=1, weight_bits=weight_bits, activation_bits=activation_bits)


def deformable(channels: int, version: int = 2, through: Through = "taps") -> DeformableConv2d:
    """A 3x3 deformable convolution."""
    return DeformableConv2d(channels, channels, padding=1, bias=False, version=version, through=through)
