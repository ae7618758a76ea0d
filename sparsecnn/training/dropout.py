"""Dropout in a stack: every network draws its own masks, the ones that it would draw alone on a CPU."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class StackedDropout(nn.Module):
    """Stands in for nn.Dropout within torch.vmap; network number k of the stack draws from `generators[k]`."""

    def __init__(self, p: float, is_inplace: bool, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self.p, self.is_inplace, self.generators = p, is_inplace, generators

    def forward(self, values: Tensor) -> Tensor:
        """[N, ...] of one network to the same shape."""
        if not self.training or self.p == 0:
            return values
        factors: Tensor = _Factors.apply(values, self)
        return values.mul_(factors) if self.is_inplace else values * factors

    def factors(self, values: Tensor) -> Tensor:
        """0 or 1 / (1 - p) for each of `values` [K, N, ...]. Source: torch, aten/src/ATen/native/Dropout.cpp."""
        count, examples, *rest = values.shape
        if len(rest) == 3:
            # A mask is drawn in the order of memory, and alone a network computes with channels last.
            channels, height, width = rest
            drawn = values.new_empty(count, examples, height, width, channels)
            factors = drawn.permute(0, 1, 4, 2, 3)
        else:
            drawn = factors = values.new_empty(values.shape)
        for own, generator in zip(drawn, self.generators, strict=True):
            own.bernoulli_(1 - self.p, generator=generator)
        drawn.div_(1 - self.p)
        return factors


class _Factors(torch.autograd.Function):
    """Within vmap a network sees its own values only; here those of all networks are seen."""

    @staticmethod
    def forward(values: Tensor, dropout: StackedDropout) -> Tensor:
        raise ValueError("dropout of values that are the same for all networks")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None: ...

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], values: Tensor, dropout: StackedDropout) -> tuple[Tensor, int]:
        return dropout.factors(values.detach().movedim(in_dims[0], 0)), 0


def replace_dropout_(model: nn.Module, generators: Sequence[torch.Generator]) -> None:
    """Puts StackedDropout in the place of every nn.Dropout of `model`."""
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if type(module) is nn.Dropout and module.p < 1:
            model.set_submodule(name, StackedDropout(module.p, module.inplace, generators))
