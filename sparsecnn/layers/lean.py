"""Lean convolutions: a stencil in each channel, and a full 1x1 convolution, summed.

Source: Ephrath, Ruthotto, Haber & Treister 2019, "LeanResNet" (arXiv 1904.06952), and its journal version (arXiv
1910.13157) for grouped, 3x3 and separable stencils. That their axes alternate between outputs is this project's choice.
"""

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers.predefined import PredefinedConv2d

Stencil = Literal["star", "square", "horizontal", "vertical", "separable"]
_ACROSS = ((0, 0, 0), (1, 0, 1), (0, 0, 0))
_DOWN = ((0, 1, 0), (0, 0, 0), (0, 1, 0))
# Without the centre, which the 1x1 convolution has already. The outputs take those of a name in turn.
STENCILS = {
    "star": (((0, 1, 0), (1, 0, 1), (0, 1, 0)),),
    "square": (((1, 1, 1), (1, 0, 1), (1, 1, 1)),),
    "horizontal": (_ACROSS,),
    "vertical": (_DOWN,),
    "separable": (_ACROSS, _DOWN),
}


def stencil_mask(stencil: Stencil, channels: int) -> Tensor:
    """Boolean [channels, 1, 3, 3]; ConfigError for another name."""
    if stencil not in STENCILS:
        raise ConfigError(f"a stencil is one of {', '.join(STENCILS)}, got {stencil}")
    kernels = torch.tensor(STENCILS[stencil], dtype=torch.bool)
    return kernels[torch.arange(channels) % len(kernels), None]


def groups_of(channels: int, group_size: int) -> int:
    """How many groups of that size there are; ConfigError where it does not divide the channels."""
    if group_size < 1 or channels % group_size:
        raise ConfigError(f"the size of a group must divide the {channels} channels, got {group_size}")
    return channels // group_size


class Summed(nn.Module):
    """The sum of what its parts make of the same images."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to that of the parts."""
        result: Tensor = reduce(add, (part(images) for part in self.children()))
        return result

    def adjoint(self, images: Tensor) -> Tensor:
        """The sum of what the transposes of its parts make of the same images: [N, C, H, W] to that of the parts."""
        parts: Iterable[Any] = self.children()
        result: Tensor = reduce(add, (part.adjoint(images) for part in parts))
        return result


class LeanConv2d(nn.Module):
    """`stencil` within groups of `group_size` channels plus a 1x1 convolution of all, on `channels` channels.

    Zero padding, stride 1, no bias: (K x)[o] = sum_c pointwise[o, c] x[c] + sum_s spatial[o, s] x[.., shifted by s].
    Weights: n^2 + 4 g n with the star, n^2 + 8 g n with the square, n^2 + 2 g n with the others, of which "separable"
    looks across in every other output and down in those between. Raises ConfigError when `group_size` does not divide
    `channels`.
    """

    def __init__(self, channels: int, stencil: Stencil = "star", group_size: int = 1) -> None:
        super().__init__()
        mask, groups = stencil_mask(stencil, channels), groups_of(channels, group_size)
        self.spatial = PredefinedConv2d(channels, channels, 3, mask=mask, padding=1, groups=groups, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """K x: [N, C, H, W] to the same shape."""
        result: Tensor = self.spatial(images) + self.pointwise(images)
        return result

    def adjoint(self, images: Tensor) -> Tensor:
        """K^T x: [N, C, H, W] to the same shape, with the same weights."""
        return self.spatial.adjoint(images) + functional.conv_transpose2d(images, self.pointwise.weight)

    def dense_kernel(self) -> Tensor:
        """[C, C, 3, 3]: the weight of the ordinary convolution that computes the same."""
        channels, group_size = self.spatial.weight.shape[:2]
        kernel = functional.pad(self.pointwise.weight, (1, 1, 1, 1))
        block = torch.arange(channels) // group_size
        same = (block[:, None] == block[None, :])[:, :, None, None]
        spread = self.spatial.kept_weight.repeat(1, channels // group_size, 1, 1)
        return kernel + spread * same
