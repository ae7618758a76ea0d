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
# Numbers that are looked at together: temporary arrays shall be small beside a large layer.
CHUNK = 2**20


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
        flat = matrix.reshape(-1)
        positions = np.empty(np.count_nonzero(flat), np.int32)
        at = 0
        for start in range(0, len(flat), CHUNK):
            found = np.flatnonzero(flat[start : start + CHUNK])
            positions[at : at + len(found)] = found + start
            at += len(found)
        return cls(geometry, positions)

    @property
    def nonzeros(self) -> int:
        """How many there are."""
        return len(self.positions)

    @cached_property
    def gaps(self) -> Positions:
        """The zeros before each nonzero, row by row."""
        gaps = self.positions.copy()
        gaps[1:] -= self.positions[:-1]
        gaps[1:] -= 1
        return gaps

    def sum_of_gaps(self, dropped_bits: int) -> int:
        """The sum of floor(gap / 2^dropped_bits)."""
        chunks = (self.gaps[start : start + CHUNK] for start in range(0, self.nonzeros, CHUNK))
        return sum(int((chunk >> dropped_bits).sum(dtype=np.int64)) for chunk in chunks)

    @property
    def entropy_bits(self) -> float:
        """log2 of the number of masks with as many nonzeros: what a code needs that knows nothing else of them."""
        size, nonzeros = self.geometry.size, self.nonzeros
        return (lgamma(size + 1) - lgamma(nonzeros + 1) - lgamma(size - nonzeros + 1)) / log(2)
