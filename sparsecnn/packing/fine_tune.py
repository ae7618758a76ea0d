"""Training under a quantiser: the network computes with what will be stored, and learns to live with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.storage import Geometry, ValueType
from sparsecnn.storage.quantisers import from_table, to_table

Numbers = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Quantised:
    """A regularizer that keeps weights on the grid of `kind`, whose scales or codebooks it fits once, at the start.

    Beside each weight stands its full value, which takes the optimizer's step; the weight is that value rounded. This
    is the straight-through estimator. Zeros stay zero; layers in `but`, which quantise themselves, stay as they are.
    Source: Courbariaux et al. 2015, "BinaryConnect", section 2.
    """

    kind: ValueType
    but: Collection[str] = ()
    full: dict[str, Tensor] = field(default_factory=dict)
    rounded: dict[str, Tensor] = field(default_factory=dict)
    numbers: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    support: ClassVar[Mapping[str, Tensor]] = {}

    def begin_(self, weights: Mapping[str, Tensor], *, step: int, steps: int) -> None:
        """Fits the numbers and puts the weights on the grid."""
        for name, weight in weights.items():
            if name in self.but:
                continue
            self.full[name] = weight.detach().clone()
            self.numbers[name] = from_table(to_table(self.kind.fit(_matrix(weight))))
            self._round_(name, weight)

    def apply_(self, weights: Mapping[str, Tensor], *, step: int, steps: int, lr: float) -> None:
        """Moves the full values by the optimizer's step and rounds them."""
        for name, full in self.full.items():
            weight = weights[name]
            full += weight.detach() - self.rounded[name]
            full *= self.rounded[name] != 0
            self._round_(name, weight)

    def settle_(self, weights: Mapping[str, Tensor]) -> None:
        """The weights are on the grid already."""

    def _round_(self, name: str, weight: Tensor) -> None:
        matrix, numbers = _matrix(self.full[name]), self.numbers[name]
        rows = np.repeat(np.arange(len(matrix), dtype=np.int32), matrix.shape[1])
        values = self.kind.decode(self.kind.encode(matrix, numbers).reshape(-1), rows, numbers)
        with torch.no_grad():
            weight.copy_(torch.from_numpy(values).view(weight.shape))
        self.rounded[name] = weight.detach().clone()


def _matrix(weight: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = weight.detach().cpu().contiguous().numpy()
    return array.reshape(Geometry.of(tuple(weight.shape)).rows, -1)


def scaled(numbers: Numbers, factors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """Scales of rows for weights whose rows were multiplied by `factors`; layers without factors keep theirs."""
    return {
        name: np.abs(given * factors[name].numpy()).astype(np.float32) if name in factors else given
        for name, given in numbers.items()
    }
