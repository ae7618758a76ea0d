"""When, and with which level a layer, an operator acts during training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError
from sparsecnn.operators import Operator, project_l0, shrink_l1
from sparsecnn.regularizers.projection import ProjectedThenFixed, Projection
from sparsecnn.regularizers.types import NO_SUPPORT, Regularizer, Weights, check_every, check_share


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
        check_every(self.every)

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None: ...

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if step % self.every == 0:
            _act_(self.operator, weights, self.levels, lr * self.every)

    def settle_(self, weights: Weights) -> None: ...


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
        check_share("after", self.after)

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


def _act_(operator: Operator, weights: Weights, levels: Mapping[str, float], lr: float) -> None:
    with torch.no_grad():
        for name, level in levels.items():
            weights[name].copy_(operator(weights[name], level, lr))
