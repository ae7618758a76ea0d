"""How a value is stored: as a float, an integer with a scale for each output, an entry of a codebook, a level.

A value becomes a code of `width` bits: a sign bit if the type has one, then a symbol, then extra bits. Code 0 is zero,
whatever the type. Symbols and signs can be entropy-coded (coded_values.py), extra bits are noise and stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.storage.quantisers import best_scales, centres, magnitudes, nearest, require_finite

Codes = NDArray[np.uint32]
Matrix = NDArray[np.float32]
Rows = NDArray[np.int32]
INT_BITS = range(2, 9)
CODEBOOK_ENTRIES = range(2, 256)
LEVEL_BITS = range(1, 9)
LARGEST_STEP = 2.0
NO_NUMBERS = np.zeros(0, np.float32)


@dataclass(frozen=True)
class ValueType:
    """A way to store values.

    `fit` finds the numbers of a matrix [R, C] that its codes lean on (scales, a codebook; none for floats), `encode`
    maps a matrix and such numbers to codes [R, C], `decode` maps codes, the rows they belong to and the numbers to
    values. For a matrix of R rows there are `count(R)` numbers. With `is_narrow` codes of nonzeros, less one, take one
    bit less than the width.
    """

    name: str
    width: int
    extra_bits: int
    is_signed: bool
    fit: Callable[[Matrix], Matrix]
    encode: Callable[[Matrix, Matrix], Codes]
    decode: Callable[[Codes, Rows, Matrix], Matrix]
    count: Callable[[int], int]
    is_narrow: bool = False

    def raw_width(self, *, has_zeros: bool) -> int:
        """The bits of a code that is not entropy-coded; `has_zeros` says whether codes of zeros stand beside it."""
        return self.width - (self.is_narrow and not has_zeros)

    @property
    def symbol_bits(self) -> int:
        """The width of a symbol, of which at most 8 bits differ between nonzeros."""
        return self.width - self.extra_bits - self.is_signed

    @property
    def is_lossless(self) -> bool:
        """Whether float32 weights come back as they were."""
        return self.name == "float32"

    @property
    def has_row_scales(self) -> bool:
        """Whether each row has a scale, so that scaling a row changes that alone."""
        return self.count(1) != self.count(2)


def value_type(name: str, *, step: float = 0.0) -> ValueType:
    """The type of that name: a float, an integer, a codebook of so many nonzeros, or 2^n levels of an n-bit layer.

    `step` is for integers: the least scale of a row, as a share of the root mean square of its nonzeros.
    """
    if not 0.0 <= step <= LARGEST_STEP or (step and not name.startswith("int")):
        raise ConfigError(f"step must be in [0, {LARGEST_STEP}], and 0 unless value is an integer, got {step}")
    if name in _FLOATS:
        return _FLOATS[name]
    kind = name.rstrip("0123456789")
    number = int(name[len(kind) :] or -1)
    number = number if name == f"{kind}{number}" else -1
    if kind == "int" and number in INT_BITS:
        return _integer(number, step)
    if kind == "codebook" and number in CODEBOOK_ENTRIES:
        return _codebook(number)
    if kind == "levels" and number in LEVEL_BITS:
        return _levels(number)
    raise ConfigError(
        "value must be float32, float16, bfloat16, int2 to int8, codebook2 to codebook255, "
        f"or levels1 to levels8, got {name}"
    )


def _float32(matrix: Matrix, numbers: Matrix) -> Codes:
    return np.where(matrix == 0, np.uint32(0), matrix.view(np.uint32))


def _float16(matrix: Matrix, numbers: Matrix) -> Codes:
    with np.errstate(over="ignore"):
        stored = matrix.astype(np.float16)
    if not np.isfinite(stored[np.isfinite(matrix)]).all():
        raise DivergedError(f"a value of {float(np.abs(matrix).max()):.4g} cannot be stored in 16 bits")
    return np.where(stored == 0, np.uint32(0), stored.view(np.uint16)).astype(np.uint32)


def _bfloat16(matrix: Matrix, numbers: Matrix) -> Codes:
    bits = matrix.view(np.uint32).astype(np.uint64)
    # To the nearest, ties to even; a NaN stays one.
    rounded = np.where(np.isnan(matrix), bits >> 16 | 1, bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype(np.uint32)
    return np.where(rounded & 0x7FFF, rounded, np.uint32(0))


def _float(name: str, width: int, mantissa_bits: int, encode: Callable[[Matrix, Matrix], Codes]) -> ValueType:
    def decode(codes: Codes, rows: Rows, numbers: Matrix) -> Matrix:
        if name == "float16":
            return codes.astype(np.uint16).view(np.float16).astype(np.float32)
        return (codes << np.uint32(32 - width)).view(np.float32)

    return ValueType(name, width, mantissa_bits, True, lambda matrix: NO_NUMBERS, encode, decode, lambda rows: 0)


_FLOATS = {
    "float32": _float("float32", 32, 23, _float32),
    "float16": _float("float16", 16, 10, _float16),
    "bfloat16": _float("bfloat16", 16, 7, _bfloat16),
}


def _integer(bits: int, step: float) -> ValueType:
    """Sign and magnitude, times a scale of the row."""
    largest = 2 ** (bits - 1) - 1

    def encode(matrix: Matrix, scales: Matrix) -> Codes:
        codes = magnitudes(matrix, scales[:, None], largest).astype(np.uint32)
        return np.where(codes, codes | (matrix < 0).astype(np.uint32) << np.uint32(bits - 1), np.uint32(0))

    def decode(codes: Codes, rows: Rows, scales: Matrix) -> Matrix:
        sizes = (codes & np.uint32(largest)).astype(np.float32) * scales[rows]
        return np.asarray(np.where(codes >> (bits - 1), -sizes, sizes), np.float32)

    def fit(matrix: Matrix) -> Matrix:
        return best_scales(matrix, largest, step)

    return ValueType(f"int{bits}", bits, 0, True, fit, encode, decode, lambda rows: rows)


def _codebook(entries: int) -> ValueType:
    """A number of the layer's codebook; code 1 is its first entry."""

    def encode(matrix: Matrix, codebook: Matrix) -> Codes:
        return np.where(matrix != 0, nearest(matrix, codebook) + 1, 0).astype(np.uint32)

    def decode(codes: Codes, rows: Rows, codebook: Matrix) -> Matrix:
        values = np.concatenate([np.zeros(1, np.float32), codebook])
        if codes.max(initial=0) >= len(values):
            raise ValueError(f"it uses more than the {entries} entries of its codebook")
        return values[codes]

    def fit(matrix: Matrix) -> Matrix:
        return centres(matrix[matrix != 0], entries)

    width = entries.bit_length()
    return ValueType(f"codebook{entries}", width, 0, False, fit, encode, decode, lambda rows: entries)


def _levels(bits: int) -> ValueType:
    """One of 2^bits values at equal distances, from minus to plus the layer's one scale; zero is none of them."""
    steps = 2**bits - 1

    def encode(matrix: Matrix, scale: Matrix) -> Codes:
        require_finite(matrix)
        units = matrix / np.where(scale > 0, scale, np.float32(1))
        return np.where(matrix != 0, np.rint((units + 1) * (steps / 2)) + 1, 0).astype(np.uint32)

    def decode(codes: Codes, rows: Rows, scale: Matrix) -> Matrix:
        if codes.max(initial=0) > steps + 1:
            raise ValueError(f"it uses more than its {steps + 1} levels")
        odd = 2 * (codes.astype(np.float32) - 1) - steps
        return np.asarray(np.where(codes, scale * (odd / np.float32(steps)), 0), np.float32)

    def fit(matrix: Matrix) -> Matrix:
        return np.array([np.abs(matrix).max(initial=0.0)], np.float32)

    return ValueType(f"levels{bits}", bits + 1, 0, False, fit, encode, decode, lambda rows: 1, is_narrow=True)
