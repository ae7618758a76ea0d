"""What the work of a layer costs on a machine that computes bit by bit in its memory: counts first, then joules.

Source: Angizi et al. 2018, "IMCE" (ASP-DAC), for what such a machine does: AND on pairs of bits, counts of rows of
them, shifts. The sum below is this project's choice, and so are the constants that it is given: the paper's own are not
known.
"""

from dataclasses import dataclass
from math import inf

from sparsecnn.errors import ConfigError
from sparsecnn.models.few_bits import FLOAT_BITS, Bits
from sparsecnn.models.multiply_adds import LayerWork


@dataclass(frozen=True)
class Counts:
    """The operations of a layer on one image."""

    float_multiply_adds: int
    ands: int
    row_counts: int
    written_bits: int

    @classmethod
    def of(cls, work: LayerWork, bits: Bits, row_bits: int) -> "Counts":
        """Of `work` with values of `bits`.

        In float32 products with zeros are left out. Bit by bit each pass takes an AND for every product, zeros of the
        weight included, and for every sum a count of each row of `row_bits` bits. Sums are written once, as 32 bits.
        """
        written = FLOAT_BITS * work.sums
        if bits.are_floats:
            return cls(work.multiply_adds, 0, 0, written)
        rows = -(-work.terms // row_bits)
        return cls(work.others, bits.passes * work.dense_products, bits.passes * work.sums * rows, written)


@dataclass(frozen=True)
class Energy:
    """Joules of each operation, at least 0, and the bits of a row, at least 1."""

    float_multiply_add: float
    and_: float
    row_count: float
    shift: float
    written_bit: float
    row_bits: int

    def __post_init__(self) -> None:
        joules = (self.float_multiply_add, self.and_, self.row_count, self.shift, self.written_bit)
        if not all(0 <= each < inf for each in joules) or self.row_bits < 1:
            raise ConfigError("energies must be at least 0 and finite, and row_bits at least 1")

    def joules(self, counts: Counts) -> float:
        """Of all operations of a layer; each count of a row is shifted and added once."""
        return (
            counts.float_multiply_adds * self.float_multiply_add
            + counts.ands * self.and_
            + counts.row_counts * (self.row_count + self.shift)
            + counts.written_bits * self.written_bit
        )
