"""How a value is stored: as a float, as an integer with a scale for each output, as an entry of a codebook.

A value becomes a code of `width` bits: a sign bit if the type has one, then a symbol, then extra bits. Code 0 is zero,
whatever the type. Symbols and signs can be entropy-coded (coded_values.py), extra bits are noise and stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import ConfigError, DivergedError

Codes = NDArray[np.uint32]
Matrix = NDArray[np.float32]
MOST_CODEBOOK_BITS = 8
INT_BITS = range(2, 9)
# Scales that are tried for a row, as shares of the one that just reaches its largest weight: this project's choice.
SCALE_SHARES = np.linspace(1.0, 0.4, 16)
KMEANS_ROUNDS = 100


@dataclass(frozen=True)
class ValueType:
    """A way to store values.

    `quantise` maps a matrix [R, C] to codes [R, C] and the bytes of a table; `restore` maps codes, the rows [n] that
    they belong to and the table to the values. `table_bytes` is the size of the table for R rows.
    """

    name: str
    width: int
    extra_bits: int
    is_signed: bool
    quantise: Callable[[Matrix], tuple[Codes, bytes]]
    restore: Callable[[Codes, NDArray[np.int32], bytes], Matrix]
    table_bytes: Callable[[int], int]

    @property
    def symbol_bits(self) -> int:
        """The width of a symbol, at most 8."""
        return self.width - self.extra_bits - self.is_signed

    @property
    def is_lossless(self) -> bool:
        """Whether float32 weights come back as they were."""
        return self.name == "float32"


def value_type(name: str) -> ValueType:
    """The type of that name: float32, float16, bfloat16, int2 ... int8, codebook2 ... codebook255 (nonzero values)."""
    if name in _FLOATS:
        return _FLOATS[name]
    kind, number = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    if kind == "int" and number and int(number) in INT_BITS:
        return _integer(int(number))
    if kind == "codebook" and number and 1 < int(number) < 2**MOST_CODEBOOK_BITS:
        return _codebook(int(number))
    raise ConfigError(
        f"value must be float32, float16, bfloat16, int2 to int8, or codebook2 to codebook255, got {name}"
    )


def _float32(matrix: Matrix) -> tuple[Codes, bytes]:
    return np.where(matrix == 0, np.uint32(0), matrix.view(np.uint32)), b""


def _float16(matrix: Matrix) -> tuple[Codes, bytes]:
    with np.errstate(over="ignore"):
        stored = matrix.astype(np.float16)
    if not np.isfinite(stored[np.isfinite(matrix)]).all():
        raise DivergedError(f"a value of {float(np.abs(matrix).max()):.4g} cannot be stored in 16 bits")
    return np.where(stored == 0, np.uint32(0), stored.view(np.uint16)).astype(np.uint32), b""


def _bfloat16(matrix: Matrix) -> tuple[Codes, bytes]:
    bits = matrix.view(np.uint32).astype(np.uint64)
    # To the nearest, ties to even; a NaN stays one.
    rounded = np.where(np.isnan(matrix), bits >> 16 | 1, bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype(np.uint32)
    return np.where(rounded & 0x7FFF, rounded, np.uint32(0)), b""


_FLOATS = {
    "float32": ValueType(
        "float32", 32, 23, True, _float32, lambda codes, rows, table: codes.view(np.float32), lambda rows: 0
    ),
    "float16": ValueType(
        *("float16", 16, 10, True, _float16),
        lambda codes, rows, table: codes.astype(np.uint16).view(np.float16).astype(np.float32),
        lambda rows: 0,
    ),
    "bfloat16": ValueType(
        *("bfloat16", 16, 7, True, _bfloat16),
        lambda codes, rows, table: (codes << np.uint32(16)).view(np.float32),
        lambda rows: 0,
    ),
}


def _integer(bits: int) -> ValueType:
    """Sign and magnitude times a scale of the row; of SCALE_SHARES the one of least squared error."""
    largest = 2 ** (bits - 1) - 1

    def quantise(matrix: Matrix) -> tuple[Codes, bytes]:
        _require_finite(matrix)
        table = to_table(_best_scales(matrix, largest))
        scales = from_table(table)[:, None]
        magnitudes = _magnitudes(matrix, scales, largest).astype(np.uint32)
        return np.where(magnitudes, magnitudes | (matrix < 0).astype(np.uint32) << (bits - 1), np.uint32(0)), table

    def restore(codes: Codes, rows: NDArray[np.int32], table: bytes) -> Matrix:
        magnitudes = (codes & largest).astype(np.float32) * from_table(table)[rows]
        return np.asarray(np.where(codes >> (bits - 1), -magnitudes, magnitudes), np.float32)

    return ValueType(f"int{bits}", bits, 0, True, quantise, restore, table_size)


def _best_scales(matrix: Matrix, largest: int) -> Matrix:
    rows, columns = np.nonzero(matrix)
    nonzeros = np.abs(matrix[rows, columns])
    top = np.abs(matrix).max(axis=1, initial=0.0) / largest
    errors = np.empty((len(SCALE_SHARES), len(top)))
    for error, share in zip(errors, SCALE_SHARES, strict=True):
        tried = (top * share).astype(np.float32)[rows]
        error[:] = np.bincount(rows, np.square(nonzeros - _magnitudes(nonzeros, tried, largest) * tried), len(top))
    return np.asarray(top * SCALE_SHARES[np.argmin(errors, axis=0)], np.float32)


def _magnitudes(matrix: Matrix, scales: Matrix, largest: int) -> Matrix:
    steps = np.rint(np.abs(matrix) / np.where(scales > 0, scales, np.float32(np.inf)))
    return np.asarray(np.minimum(steps, largest), np.float32)


def _codebook(entries: int) -> ValueType:
    """The centre of a cluster of nonzeros; clusters by k-means from centres at equal distances.

    Source: Han et al. 2016, "Deep Compression", section 3 (linear initialisation).
    """

    def quantise(matrix: Matrix) -> tuple[Codes, bytes]:
        _require_finite(matrix)
        nonzeros = matrix[matrix != 0]
        table = to_table(_centres(nonzeros, entries))
        centres = from_table(table)
        edges = (centres[1:] + centres[:-1]) / 2
        codes = np.zeros(matrix.shape, np.uint32)
        codes[matrix != 0] = 1 + np.searchsorted(edges, nonzeros)
        return codes, table

    def restore(codes: Codes, rows: NDArray[np.int32], table: bytes) -> Matrix:
        values = np.concatenate([np.zeros(1, np.float32), from_table(table)])
        if codes.max(initial=0) >= len(values):
            raise ValueError(f"it uses more than the {len(values) - 1} entries of its codebook")
        return values[codes]

    width = entries.bit_length()
    return ValueType(f"codebook{entries}", width, 0, False, quantise, restore, lambda rows: table_size(entries))


def _centres(values: Matrix, entries: int) -> Matrix:
    if not len(values):
        return np.zeros(entries, np.float32)
    ordered = np.sort(values).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    centres = np.linspace(ordered[0], ordered[-1], entries)
    for _ in range(KMEANS_ROUNDS):
        ends = np.concatenate([[0], np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2), [len(ordered)]])
        counts = np.diff(ends)
        moved = np.where(counts, np.diff(sums[ends]) / np.maximum(counts, 1), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return np.sort(centres).astype(np.float32)


def _require_finite(matrix: Matrix) -> None:
    if not np.isfinite(matrix).all():
        raise DivergedError("weights that are not finite cannot be quantised")


def table_size(entries: int) -> int:
    """The bytes of a table of so many numbers."""
    return 1 + 2 * entries


def to_table(numbers: Matrix) -> bytes:
    """Numbers as float16 times a power of two, whose exponent stands first: small ones keep their precision."""
    top = float(np.abs(numbers).max(initial=0.0))
    exponent = int(np.clip(np.frexp(top)[1], -128, 127)) if top else 0
    return np.int8(exponent).tobytes() + np.ldexp(numbers, -exponent).astype("<f2").tobytes()


def from_table(table: bytes) -> Matrix:
    """What `to_table` stored."""
    exponent = int(np.frombuffer(table[:1], np.int8)[0])
    return np.ldexp(np.frombuffer(table[1:], "<f2").astype(np.float32), exponent)
