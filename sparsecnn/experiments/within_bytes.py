"""Networks of at most so many bytes: how dense they may be, and what is cut of one that has come out too large."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError
from sparsecnn.experiments.starting import largest
from sparsecnn.operators import project_l0
from sparsecnn.sizes import readable
from sparsecnn.storage import Storage

Weights = Mapping[str, Tensor]


def densest(at: Callable[..., Budgets], weights: Weights, storage: Storage, limit_bytes: float) -> Budgets:
    """The budgets of the greatest density at which `weights`, projected, take at most `limit_bytes` (docs/memory.md).

    `at` gives those of a `density`. ConfigError when no density fits.
    """

    def fits(density: float) -> bool:
        return _bytes(storage, _projected(weights, at(density=density))) <= limit_bytes

    density = largest(0.0, 1.0, fits)
    if density == 0.0:
        raise ConfigError(f"no allocation of a network takes as little as {readable(max(limit_bytes, 0))}")
    return at(density=density)


@dataclass(frozen=True)
class WithinBytes:
    """Cuts the smallest weights, of every layer the same share, until the layers take at most `limit_bytes`.

    Positions are cheaper or dearer to store as a training moves them, which budgets do not know.
    """

    storage: Storage
    limit_bytes: float
    support: ClassVar[Weights] = {}

    def begin_(self, weights: Weights, *, step: int, steps: int) -> None: ...
    def apply_(self, weights: Weights, *, step: int, steps: int, lr: float) -> None: ...

    def settle_(self, weights: Weights) -> None:
        """A network that fits stays as it is."""
        if _bytes(self.storage, weights) <= self.limit_bytes:
            return
        nonzeros = {name: int(weight.count_nonzero()) for name, weight in weights.items()}

        def cut(share: float) -> Weights:
            return _projected(weights, {name: max(1, int(share * kept)) for name, kept in nonzeros.items()})

        smaller = cut(largest(0.0, 1.0, lambda share: _bytes(self.storage, cut(share)) <= self.limit_bytes))
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(smaller[name])


def _projected(weights: Weights, budgets: Budgets) -> Weights:
    return {name: project_l0(weight.detach(), budgets[name]) for name, weight in weights.items()}


def _bytes(storage: Storage, weights: Weights) -> int:
    return storage.network(weights, 0).bytes
