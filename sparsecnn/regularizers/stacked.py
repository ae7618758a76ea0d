"""The regularizers of K networks of one architecture as one, which acts on their stacked weights [K, ...]."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sparsecnn.operators import project_rows_
from sparsecnn.regularizers.projection import Projection
from sparsecnn.regularizers.types import NO_SUPPORT, Regularizer, Weights


@dataclass(frozen=True)
class Each:
    """Every network's own regularizer, on the network's own weights."""

    regularizers: Sequence[Regularizer]
    support: ClassVar[Weights] = NO_SUPPORT

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        for regularizer, own in zip(self.regularizers, unstacked(weights), strict=True):
            regularizer.begin_(own, step=step, steps=steps)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        for regularizer, own in zip(self.regularizers, unstacked(weights), strict=True):
            regularizer.apply_(own, step=step, steps=steps, lr=lr)

    def settle_(self, weights: Weights) -> None:
        for regularizer, own in zip(self.regularizers, unstacked(weights), strict=True):
            regularizer.settle_(own)


class Rows:
    """The budgets of a layer's K stacked weights, which are projected at once, without a wait for the device."""

    def __init__(self, budgets: Sequence[int]) -> None:
        self.budgets = budgets
        self.on_device: Tensor | None = None

    def project_(self, weight: Tensor) -> None:
        """Projects each of [K, ...] within its own budget."""
        if self.on_device is None:
            self.on_device = torch.tensor(self.budgets, device=weight.device)
        if min(self.budgets) < weight[0].numel():
            project_rows_(weight, self.on_device, max(self.budgets))


def together(regularizers: Sequence[Regularizer], weights: Weights) -> Regularizer:
    """What does to each slice of `weights` [K, ...] what each of K `regularizers` would do to it alone.

    On the CPU a projection that remembers its support is quicker than one of all networks at once.
    """
    if all(weight.is_cpu for weight in weights.values()):
        return Each(regularizers)
    return projections(regularizers, weights) or Each(regularizers)


def projections(regularizers: Sequence[Regularizer], weights: Weights) -> Projection | None:
    """K projections as one, or None when they are not all projections that act at the same steps."""
    found = [regularizer for regularizer in regularizers if isinstance(regularizer, Projection)]
    if len(found) < len(regularizers) or len({projection.every for projection in found}) != 1:
        return None
    names = dict.fromkeys(name for projection in found for name in projection.budgets)
    # A network without a budget for a layer keeps all of it.
    budgets = {name: [int(p.budgets.get(name, weights[name][0].numel())) for p in found] for name in names}
    return Projection(budgets, found[0].every, Rows)


def unstacked(weights: Weights) -> list[dict[str, Tensor]]:
    """The weights of each network, as views."""
    rows = zip(*(weight.unbind() for weight in weights.values()), strict=True)
    return [dict(zip(weights, own, strict=True)) for own in rows]
