"""The regularizers of K networks of one architecture as one, which acts on their stacked weights [K, ...]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from sparsecnn.operators import project_rows_
from sparsecnn.regularizers.schedules import NO_SUPPORT, Projection, Regularizer, Weights


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


@dataclass(frozen=True)
class Projections:
    """Projections on l0 balls at the same steps: a layer of all networks at once, without a wait for the device.

    `budgets` are those of a layer, one a network, `on_device` the same there.
    """

    budgets: Mapping[str, Sequence[int]]
    every: int
    on_device: dict[str, Tensor] = field(default_factory=dict)
    support: ClassVar[Weights] = NO_SUPPORT

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        for name, budgets in self.budgets.items():
            self.on_device[name] = torch.tensor(budgets, device=weights[name].device)
        if step == 0:
            self.settle_(weights)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if step % self.every == 0:
            self.settle_(weights)

    def settle_(self, weights: Weights) -> None:
        for name, budgets in self.budgets.items():
            if min(budgets) < weights[name][0].numel():
                project_rows_(weights[name], self.on_device[name], max(budgets))


def together(regularizers: Sequence[Regularizer], weights: Weights) -> Regularizer:
    """What does to each slice of `weights` [K, ...] what each of K `regularizers` would do to it alone.

    On the CPU a projection that remembers its support is quicker than one of all networks at once.
    """
    if all(weight.is_cpu for weight in weights.values()):
        return Each(regularizers)
    return projections(regularizers, weights) or Each(regularizers)


def projections(regularizers: Sequence[Regularizer], weights: Weights) -> Projections | None:
    """K projections as one, or None when they are not all projections that act at the same steps."""
    found = [regularizer for regularizer in regularizers if isinstance(regularizer, Projection)]
    if len(found) < len(regularizers) or len({projection.every for projection in found}) != 1:
        return None
    names = dict.fromkeys(name for projection in found for name in projection.budgets)
    # A network without a budget for a layer keeps all of it.
    budgets = {name: [int(p.budgets.get(name, weights[name][0].numel())) for p in found] for name in names}
    return Projections(budgets, found[0].every)


def unstacked(weights: Weights) -> list[dict[str, Tensor]]:
    """The weights of each network, as views."""
    rows = zip(*(weight.unbind() for weight in weights.values()), strict=True)
    return [dict(zip(weights, own, strict=True)) for own in rows]
