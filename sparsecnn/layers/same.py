"""Operators on so many channels that keep the shape of an image, to be put into steps."""

from functools import partial

from sparsecnn.layers.bitwise import Arithmetic, BitwiseConv2d
from sparsecnn.layers.deformable import DeformableConv2d, Through
from sparsecnn.layers.lean import Stencil, Summed, groups_of, stencil_mask
from sparsecnn.layers.predefined import KernelSupports, PredefinedConv2d


def predefined(channels: int, supports: str = "psd4_p8", seed: int = 0) -> PredefinedConv2d:
    """A 3x3 convolution whose kernels have the supports of that name (`KernelSupports.named`)."""
    mask = KernelSupports.named(supports, seed).mask(channels, channels)
    return PredefinedConv2d(channels, channels, 3, mask=mask, padding=1, bias=False)


def bitwise(
    channels: int,
    weight_bits: int = 1,
    activation_bits: int = 2,
    supports: str = "psc9",
    seed: int = 0,
    through: Arithmetic = "floats",
) -> BitwiseConv2d:
    """A 3x3 convolution of weights and activations of few bits, on kernels of these supports (psc9: all weights)."""
    mask = KernelSupports.named(supports, seed).mask(channels, channels)
    convolution = partial(BitwiseConv2d, weight_bits=weight_bits, activation_bits=activation_bits, through=through)
    return convolution(channels, channels, 3, padding=1, mask=None if mask.all() else mask)


def bitwise_lean(
    channels: int,
    weight_bits: int = 1,
    activation_bits: int = 2,
    stencil: Stencil = "star",
    group_size: int = 1,
    through: Arithmetic = "floats",
) -> Summed:
    """A lean convolution (`LeanConv2d`) of weights and activations of few bits; each part has a scale of its own."""
    mask, groups = stencil_mask(stencil, channels), groups_of(channels, group_size)
    convolution = partial(BitwiseConv2d, weight_bits=weight_bits, activation_bits=activation_bits, through=through)
    return Summed(
        spatial=convolution(channels, channels, 3, padding=1, groups=groups, mask=mask),
        pointwise=convolution(channels, channels, 1),
    )


def deformable(channels: int, version: int = 2, through: Through = "taps") -> DeformableConv2d:
    """A 3x3 deformable convolution."""
    return DeformableConv2d(channels, channels, padding=1, bias=False, version=version, through=through)
