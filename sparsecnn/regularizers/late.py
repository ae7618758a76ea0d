"""Another regularizer, behind a free start."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sparsecnn.budgets import Budgets
from sparsecnn.regularizers.types import NO_SUPPORT, Regularizer, Weights, check_share


@dataclass(frozen=True)
class Late:
    """Training runs free for the share `after` of all steps; from then on it is under `regularizer`."""

    regularizer: Regularizer
    after: float
    begun: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_share("after", self.after)

    @property
    def support(self) -> Weights:
        """That of the other."""
        return self.regularizer.support if self.begun else NO_SUPPORT

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None:
        self.begun.clear()
        if step >= self.after * steps:
            self._begin_(weights, step, steps)

    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None:
        if self.begun:
            self.regularizer.apply_(weights, step=step, steps=steps, lr=lr)
        elif step >= self.after * steps:
            self._begin_(weights, 0, steps)  # for the other this is the start

    def settle_(self, weights: Weights) -> None:
        if self.begun:
            self.regularizer.settle_(weights)

    def _begin_(self, weights: Weights, step: int, steps: int) -> None:
        self.begun.append(True)
        self.regularizer.begin_(weights, step=step, steps=steps)


def late(budgets: Budgets, *, regularizer: Callable[[Budgets], Regularizer], after: float = 0.5) -> Regularizer:
    """`regularizer`, behind a free training for the share `after` of the steps.

    Networks whose first weights are tiny (Caffe's cifar10_quick) may not learn under a bound from the first step on.
    Source: this project's choice.
    """
    return Late(regularizer(budgets), after)
