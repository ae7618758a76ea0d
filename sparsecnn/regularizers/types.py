"""What a regularizer is to the training loop.

It has three methods, called by the loop with the weights by layer name. `begin_` comes first, with the steps already
done: more than 0 when a training that was stopped goes on. `apply_` comes after the optimizer's step number `step`
(from 1) of `steps`, with `lr` the learning rate of that step. `settle_` comes before every evaluation and at the end,
so that what is measured is the network that would be stored. `support` has the kept positions of layers once these are
final and to be computed on alone; it is empty before, and with most regularizers always.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from sparsecnn.errors import ConfigError

Weights = Mapping[str, Tensor]
NO_SUPPORT: Weights = {}


@runtime_checkable
class Regularizer(Protocol):
    """What the training loop needs to know."""

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None: ...
    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None: ...
    def settle_(self, weights: Weights) -> None: ...

    @property
    def support(self) -> Weights: ...


def check_every(every: int) -> None:
    if every < 1:
        raise ConfigError(f"regularizer.every must be at least 1, got {every}")


def check_share(name: str, share: float) -> None:
    if not 0 <= share < 1:
        raise ConfigError(f"regularizer.{name} must be in [0, 1), got {share}")
