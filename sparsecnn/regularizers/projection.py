"""Projection on l0 balls during training, throughout or until the support is fixed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from sparsecnn.regularizers.exchange import Support
from sparsecnn.regularizers.types import NO_SUPPORT, Weights, check_every, check_share


class Projector(Protocol):
    """What projects the weight of one layer, again and again."""

    def project_(self, weight: Tensor) -> None: ...


@dataclass(frozen=True)
class Projection:
    """Projection on l0 balls: before the first step, after every `every` steps, once more when training settles.

    The gradient stays dense and momentum is left alone, so a zeroed weight comes back when it has grown past the
    threshold. `remember` makes of a layer's budget what projects it, and remembers the support to save time; the result
    does not depend on it.
    """

    budgets: Mapping[str, Any]
    every: int = 1
    remember: Callable[[Any], Projector] = Support
    supports: dict[str, Projector] = field(default_factory=dict)
    support: ClassVar[Weights] = NO_SUPPORT

    def __post_init__(self) -> None:
        check_every(self.every)

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        self.supports.clear()
        if step == 0:
            self.settle_(weights)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if step % self.every == 0:
            self.settle_(weights)

    def settle_(self, weights: Weights) -> None:
        for name, budget in self.budgets.items():
            if name not in self.supports:
                self.supports[name] = self.remember(budget)
            self.supports[name].project_(weights[name])


@dataclass(frozen=True)
class ProjectedThenFixed:
    """Projection on l0 balls for the share `projected` of all steps; from then on the support stays as it is.

    Layers may then compute on their support alone: the gradient of a zeroed weight is not needed any more.
    """

    projection: Projection
    projected: float
    support: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_share("projected", self.projected)

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        self.support.clear()
        self.projection.begin_(weights, step=step, steps=steps)
        self._fix_if_due_(weights, step, steps)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if not self.support:
            self.projection.apply_(weights, step=step, steps=steps, lr=lr)
            self._fix_if_due_(weights, step, steps)
        else:
            self.settle_(weights)

    def settle_(self, weights: Weights) -> None:
        if not self.support:
            self.projection.settle_(weights)
        with torch.no_grad():
            for name, mask in self.support.items():
                weights[name].mul_(mask)

    def _fix_if_due_(self, weights: Weights, step: int, steps: int) -> None:
        if step >= self.projected * steps:
            self.projection.settle_(weights)
            kept = {name: (weights[name].detach() != 0).to(weights[name].dtype) for name in self.projection.budgets}
            self.support.update(kept)
