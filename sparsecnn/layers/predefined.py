"""Convolutions whose support is chosen before training and stays as it is (pSConv).

Source: Kundu, Nazemi, Pedram, Chugg & Beerel 2020, "Pre-defined Sparsity for Low-Complexity Convolutional Neural
Networks" (IEEE Transactions on Computers 69(7)) for the kernels and the periodic rule; that the supports of `psc` are
drawn uniformly is this project's reading.
"""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.errors import ConfigError

# Positions in a 3x3 kernel, 0 to 8 by rows.
AREA = 9
SQUARES = ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8))
PAIRS = ((0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8))
SINGLES = tuple((position,) for position in range(AREA))
PATTERNS = {4: SQUARES, 2: PAIRS, 1: SINGLES}
NAME = re.compile(r"(?:psc(?P<drawn>[1-9])|ps(?P<dense>d?)(?P<kept>[124])_p(?P<period>[1-9]\d{0,2}))", re.IGNORECASE)


@dataclass(frozen=True)
class KernelSupports:
    """Which positions of every 3x3 kernel are kept.

    Without a `period` each kernel keeps `kept` positions of its own, drawn under `seed`. With one, kernel (o, i) of
    output o and input i has the support number (o + i) modulo `period` of a list of patterns; with `has_dense`, one of
    a period's kernels keeps all nine.
    """

    kept: int
    period: int | None = None
    has_dense: bool = False
    seed: int = 0

    @classmethod
    def named(cls, name: str, seed: int = 0) -> "KernelSupports":
        """Of psc4 (drawn), ps4_p4 (periodic) or psd4_p8 (periodic, one kernel dense); psc9 is dense.

        Raises ConfigError for other names. Periodic ones keep 4, 2 or 1 positions, in periods of up to 999.
        """
        found = NAME.fullmatch(name)
        if found is None:
            raise ConfigError(f"kernel supports are named like psc4, ps4_p4 or psd4_p8, got {name}")
        if found["drawn"]:
            return cls(int(found["drawn"]), seed=seed)
        return cls(int(found["kept"]), int(found["period"]), bool(found["dense"]), seed)

    def mask(self, out_channels: int, in_channels: int) -> Tensor:
        """Boolean [out_channels, in_channels, 3, 3], true where a weight is kept."""
        kernels = self._drawn(out_channels, in_channels) if self.period is None else self._periodic()
        if self.period is not None:
            place = torch.arange(out_channels)[:, None] + torch.arange(in_channels)[None, :]
            kernels = kernels[place % self.period]
        return kernels.view(out_channels, in_channels, 3, 3)

    def _periodic(self) -> Tensor:
        """[period, 9]: kernels of output 0 by input channel; the dense one is the last."""
        assert self.period is not None
        patterns = PATTERNS[self.kept]
        kernels = _kernels([patterns[number % len(patterns)] for number in range(self.period)])
        if self.has_dense:
            kernels[-1] = True
        return kernels

    def _drawn(self, out_channels: int, in_channels: int) -> Tensor:
        """[out_channels, in_channels, 9]."""
        choices = _kernels(list(combinations(range(AREA), self.kept)))
        generator = torch.Generator().manual_seed(self.seed)
        return choices[torch.randint(len(choices), (out_channels, in_channels), generator=generator)]


def _kernels(supports: list[tuple[int, ...]]) -> Tensor:
    kernels = torch.zeros(len(supports), AREA, dtype=torch.bool)
    for kernel, support in zip(kernels, supports, strict=True):
        kernel[list(support)] = True
    return kernels


class Supported(nn.Module):
    """A layer of which only the weights under `mask` exist, all where it is None; the others are zero.

    `mask` is boolean and of the weight's shape. It is part of the architecture, not of the state: files hold the weight
    alone, and what they hold outside of the mask is not read.
    """

    weight: Tensor
    mask: Tensor | None

    def set_support(self, mask: Tensor | None) -> None:
        """`mask` is of the weight's shape or one that broadcasts to it."""
        whole = None if mask is None else mask.expand(self.weight.shape).clone()
        self.register_buffer("mask", whole, persistent=False)
        self.register_load_state_dict_post_hook(_clear_)
        self.clear_()

    def clear_(self) -> None:
        """Sets the weights outside the support to zero: to be called when weights were filled by hand."""
        if self.mask is not None:
            with torch.no_grad():
                self.weight.mul_(self.mask)

    @property
    def weight_count(self) -> int:
        """How many weights exist."""
        return self.weight.numel() if self.mask is None else int(self.mask.sum())


def _clear_(layer: nn.Module, _: object) -> None:
    """Weights that were loaded may be those of a dense layer."""
    assert isinstance(layer, Supported)
    layer.clear_()


class PredefinedConv2d(Supported, nn.Conv2d):
    """A convolution of which only the weights under `mask` exist: the others are zero, and so are their gradients."""

    mask: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *, mask: Tensor, **options: Any) -> None:
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.set_support(mask)

    @property
    def kept_weight(self) -> Tensor:
        """The weight; where gradients are wanted through the mask, which lets none out: the zeros outside stay."""
        is_learnt = self.training or (torch.is_grad_enabled() and self.weight.requires_grad)
        return self.weight * self.mask if is_learnt else self.weight

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] as in nn.Conv2d."""
        result: Tensor = self._conv_forward(images, self.kept_weight, self.bias)
        return result

    def adjoint(self, images: Tensor) -> Tensor:
        """K^T x, with the same weights, for stride 1: [N, O, H', W'] to [N, C, H, W]."""
        assert isinstance(self.padding, tuple)
        return functional.conv_transpose2d(images, self.kept_weight, padding=self.padding, groups=self.groups)
