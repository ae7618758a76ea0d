"""Where the nonzeros of a layer are, and how its columns are made of kernels."""

from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log, prod
from typing import Self

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int32]
# Positions are kept as 32-bit numbers.
MOST_WEIGHTS = 2**31 - 1


@dataclass(frozen=True)
class Geometry:
    """A weight [out, in, *kernel] seen as a matrix of `rows` x `columns` = out x (in * kernel sides).

    An input channel takes `area` columns, the last side of its kernel `width`; both are 1 in a linear layer.
    """

    rows: int
    columns: int
    area: int = 1
    width: int = 1

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Self:
        """The geometry of a weight; a tensor of one dimension is one row."""
        rows = shape[0] if len(shape) > 1 else 1
        area = prod(shape[2:])
        return cls(rows, prod(shape) // rows if rows else 0, area, shape[-1] if len(shape) > 2 else 1)

    @property
    def size(self) -> int:
        """The weights, zero or not."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Mask:
    """The ascending flat positions of the nonzeros of a matrix."""

    geometry: Geometry
    positions: Positions

    @classmethod
    def of(cls, matrix: NDArray[np.generic], geometry: Geometry) -> Self:
        """The mask of the nonzeros of `matrix`."""
        return cls(geometry, np.flatnonzero(matrix).astype(np.int32))

    @property
    def nonzeros(self) -> int:
        """How many there are."""
        return len(self.positions)

    @cached_property
    def gaps(self) -> Positions:
        """The zeros before each nonzero, row by row."""
        return np.diff(self.positions, prepend=np.int32(-1)) - np.int32(1)

    @property
    def entropy_bits(self) -> float:
        """log2 of the number of masks with as many nonzeros: what a code needs that knows nothing else of them."""
        size, nonzeros = self.geometry.size, self.nonzeros
        return (lgamma(size + 1) - lgamma(nonzeros + 1) - lgamma(size - nonzeros + 1)) / log(2)
