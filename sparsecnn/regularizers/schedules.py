"""When, and with which level a layer, an operator acts during training.

A regularizer has three methods, called by the training loop with the weights by layer name. `begin_` comes first, with
the steps already done: more than 0 when a training that was stopped goes on. `apply_` comes after the optimizer's step
number `step` (from 1) of `steps`, with `lr` the learning rate of that step. `settle_` comes before every evaluation and
at the end, so that what is measured is the network that would be stored. `support` has the kept positions of layers
once these are final and to be computed on alone; it is empty before, and with most regularizers always.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError
from sparsecnn.operators import Operator, project_l0, shrink_l1
from sparsecnn.regularizers.exchange import Support

Weights = Mapping[str, Tensor]
NO_SUPPORT: Weights = {}


class Regularizer(Protocol):
    """What the training loop needs to know."""

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None: ...
    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None: ...
    def settle_(self, weights: Weights) -> None: ...

    @property
    def support(self) -> Weights: ...


@dataclass(frozen=True)
class Nothing:
    """Plain training; the network stays dense."""

    support: ClassVar[Weights] = NO_SUPPORT

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None: ...
    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None: ...
    def settle_(self, weights: Weights) -> None: ...


@dataclass(frozen=True)
class Periodic:
    """An operator that shrinks a little each time (l1): it acts after every `every` steps."""

    operator: Operator
    levels: Mapping[str, float]
    every: int = 1
    support: ClassVar[Weights] = NO_SUPPORT

    def __post_init__(self) -> None:
        _check_every(self.every)

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None: ...

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if step % self.every == 0:
            _act_(self.operator, weights, self.levels, lr * self.every)

    def settle_(self, weights: Weights) -> None: ...


@dataclass(frozen=True)
class Projection:
    """Projection on l0 balls: before the first step, after every `every` steps, once more when training settles.

    The gradient stays dense and momentum is left alone, so a zeroed weight comes back when it has grown past the
    threshold. The supports are remembered to save time; the result does not depend on it.
    """

    budgets: Budgets
    every: int = 1
    supports: dict[str, Support] = field(default_factory=dict)
    support: ClassVar[Weights] = NO_SUPPORT

    def __post_init__(self) -> None:
        _check_every(self.every)

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        self.supports.clear()
        if step == 0:
            self.settle_(weights)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if step % self.every == 0:
            self.settle_(weights)

    def settle_(self, weights: Weights) -> None:
        for name, budget in self.budgets.items():
            self.supports.setdefault(name, Support(budget)).project_(weights[name])


@dataclass(frozen=True)
class AtEnd:
    """Training runs free; the operator acts once, when it settles for the last time.

    `settle_` before an evaluation in mid-training would change the weights, so only the last step arms it.
    """

    operator: Operator
    levels: Mapping[str, float]
    finished: list[bool] = field(default_factory=list)
    support: ClassVar[Weights] = NO_SUPPORT

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        self.finished.clear()

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if step == steps:
            self.finished.append(True)

    def settle_(self, weights: Weights) -> None:
        if self.finished:
            _act_(self.operator, weights, self.levels, 0.0)


@dataclass(frozen=True)
class FixedMask:
    """The operator acts once, after the share `after` of all steps; from then on the zeros stay zero."""

    operator: Operator
    levels: Mapping[str, float]
    after: float = 0.0
    masks: dict[str, Tensor] = field(default_factory=dict)
    support: ClassVar[Weights] = NO_SUPPORT

    def __post_init__(self) -> None:
        _check_share("after", self.after)

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        self.masks.clear()
        if step >= self.after * steps:
            self._fix_(weights)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if not self.masks and step >= self.after * steps:
            self._fix_(weights)
        self.settle_(weights)

    def settle_(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, mask in self.masks.items():
                weights[name].mul_(mask)

    def _fix_(self, weights: Weights) -> None:
        _act_(self.operator, weights, self.levels, 0.0)
        self.masks.update({name: (weights[name] != 0).to(weights[name].dtype) for name in self.levels})


@dataclass(frozen=True)
class ProjectedThenFixed:
    """Projection on l0 balls for the share `projected` of all steps; from then on the support stays as it is.

    Layers may then compute on their support alone: the gradient of a zeroed weight is not needed any more.
    """

    projection: Projection
    projected: float
    support: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_share("projected", self.projected)

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


def none(budgets: Budgets) -> Regularizer:
    """No regularizer: `budgets` are not enforced during training."""
    return Nothing()


def l0_projection(budgets: Budgets, *, every: int = 1) -> Regularizer:
    """Projection on the l0 balls of `budgets` after every `every` steps. Source: Collins & Kohli 2014."""
    return Projection(budgets, every)


def l1_shrinkage(budgets: Budgets, *, strength: float, every: int = 1) -> Regularizer:
    """l1 shrinkage of the layers named in `budgets`, all with the same strength. Source: Collins & Kohli 2014."""
    if strength <= 0:
        raise ConfigError(f"regularizer.strength must be above 0, got {strength}")
    return Periodic(shrink_l1, dict.fromkeys(budgets, strength), every)


def threshold_once(budgets: Budgets) -> Regularizer:
    """The control of the paper's Figure 5: train free, then keep the largest weights once."""
    return AtEnd(project_l0, budgets)


def threshold_fixed_mask(budgets: Budgets, *, after: float = 0.0) -> Regularizer:
    """The fair control of Figure 5: keep the largest weights once, then train the survivors only.

    `after` is the share of the steps that run free before; 0 thresholds the starting weights.
    """
    return FixedMask(project_l0, budgets, after)


def fixed_support(budgets: Budgets, *, projected: float = 0.25) -> Regularizer:
    """l0 projection for the share `projected` of the steps, then training on the support alone, by sparse kernels.

    Cheaper on a CPU, and not the same as projection throughout: the support cannot move any more. (Dropout draws other
    masks, because maps lie otherwise in memory.) Source: this project's choice.
    """
    return ProjectedThenFixed(Projection(budgets), projected)


def _check_share(name: str, share: float) -> None:
    if not 0 <= share < 1:
        raise ConfigError(f"regularizer.{name} must be in [0, 1), got {share}")


def _check_every(every: int) -> None:
    if every < 1:
        raise ConfigError(f"regularizer.every must be at least 1, got {every}")


def _act_(operator: Operator, weights: Weights, levels: Mapping[str, float], lr: float) -> None:
    with torch.no_grad():
        for name, level in levels.items():
            weights[name].copy_(operator(weights[name], level, lr))
