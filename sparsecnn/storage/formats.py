"""The storage formats of one layer: its size in bits, its encoder and its decoder, side by side.

A weight tensor is stored as a matrix of `R x C` = out x (in * kernel sides), row by row. `v` is the width of a value in
bits, `N = R * C` the weights, `z` the nonzeros. Sources: dense and CSR are common; bitmask and relative index follow
the formulas of docs/memory.md; Collins & Kohli 2014 name several formats in an appendix that this project could not
read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]
BYTE = 8


@dataclass(frozen=True)
class Pattern:
    """Where the nonzeros of a matrix are, which is all that its sizes depend on."""

    matrix: Matrix

    @property
    def value_bits(self) -> int:
        """The width of a value."""
        return self.matrix.dtype.itemsize * BYTE

    @cached_property
    def gaps(self) -> NDArray[np.int64]:
        """The zeros before each nonzero, row by row; shared by the sizes of all relative formats."""
        return np.diff(np.flatnonzero(self.matrix), prepend=-1) - 1

    @property
    def nonzeros(self) -> int:
        """How many there are."""
        return len(self.gaps)


@dataclass(frozen=True)
class Format:
    """One way to store a matrix: `len(encode(matrix)) == ceil(bits(Pattern(matrix)) / 8)`; `decode` undoes `encode`.

    `decode` takes the bytes, the shape (R, C) and the value type, and gives the matrix back exactly.
    """

    name: str
    bits: Callable[[Pattern], int]
    encode: Callable[[Matrix], bytes]
    decode: Callable[[bytes, tuple[int, int], np.dtype], Matrix]


def _dense_bits(pattern: Pattern) -> int:
    return pattern.matrix.size * pattern.value_bits


def _dense_encode(matrix: Matrix) -> bytes:
    return matrix.tobytes()


def _dense_decode(data: bytes, shape: tuple[int, int], dtype: np.dtype) -> Matrix:
    return np.frombuffer(data, dtype).reshape(shape).copy()


def _bitmask_bits(pattern: Pattern) -> int:
    # The mask is padded to a whole byte, so that the values behind it begin on one.
    return -(-pattern.matrix.size // BYTE) * BYTE + pattern.nonzeros * pattern.value_bits


def _bitmask_encode(matrix: Matrix) -> bytes:
    return bytes(np.packbits(matrix != 0)) + bytes(matrix[matrix != 0])


def _bitmask_decode(data: bytes, shape: tuple[int, int], dtype: np.dtype) -> Matrix:
    size = shape[0] * shape[1]
    mask_bytes = -(-size // BYTE)
    kept = np.unpackbits(np.frombuffer(data[:mask_bytes], np.uint8), count=size).astype(bool)
    matrix = np.zeros(size, dtype)
    matrix[kept] = np.frombuffer(data[mask_bytes:], dtype)
    return matrix.reshape(shape)


def _narrowest(largest: int) -> np.dtype:
    """The narrowest unsigned integer type of whole bytes that holds `largest`."""
    return np.min_scalar_type(largest)


def _csr_types(matrix_shape: tuple[int, int], nonzeros: int) -> tuple[np.dtype, np.dtype]:
    return _narrowest(max(matrix_shape[1] - 1, 0)), _narrowest(nonzeros)


def _csr_bits(pattern: Pattern) -> int:
    rows = pattern.matrix.shape[0]
    column, pointer = _csr_types(pattern.matrix.shape, pattern.nonzeros)
    entry_bits = pattern.value_bits + column.itemsize * BYTE
    return int(pattern.nonzeros * entry_bits + pointer.itemsize * BYTE * (rows + 1))


def _csr_encode(matrix: Matrix) -> bytes:
    rows, columns = np.nonzero(matrix)
    column, pointer = _csr_types(matrix.shape, len(rows))
    starts = np.searchsorted(rows, np.arange(matrix.shape[0] + 1))
    return starts.astype(pointer).tobytes() + columns.astype(column).tobytes() + matrix[rows, columns].tobytes()


def _csr_decode(data: bytes, shape: tuple[int, int], dtype: np.dtype) -> Matrix:
    # The pointer width depends on the nonzeros, which the length of the data gives away.
    for pointer in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.uint32), np.dtype(np.uint64)):
        starts_bytes = pointer.itemsize * (shape[0] + 1)
        starts = np.frombuffer(data[:starts_bytes], pointer)
        column, expected = _csr_types(shape, int(starts[-1]))
        if expected == pointer and starts_bytes + int(starts[-1]) * (column.itemsize + dtype.itemsize) == len(data):
            break
    nonzeros = int(starts[-1])
    values_at = starts_bytes + nonzeros * column.itemsize
    matrix = np.zeros(shape, dtype)
    lengths = starts[1:].astype(np.int64) - starts[:-1].astype(np.int64)
    rows = np.repeat(np.arange(shape[0]), lengths)
    matrix[rows, np.frombuffer(data[starts_bytes:values_at], column)] = np.frombuffer(data[values_at:], dtype)
    return matrix


def _relative_bits(pattern: Pattern, gap_bits: int) -> int:
    # An entry reaches over 2^b - 1 zeros to its own place, so a gap takes floor(gap / 2^b) fillers.
    fillers = int((pattern.gaps >> gap_bits).sum())
    return (pattern.nonzeros + fillers) * (pattern.value_bits + gap_bits)


def _relative_encode(matrix: Matrix, gap_bits: int) -> bytes:
    gaps = Pattern(matrix).gaps
    fillers = gaps >> gap_bits
    ends = np.cumsum(fillers + 1) - 1
    # A filler is an entry of value zero behind 2^b - 1 zeros.
    codes = np.full(int(fillers.sum()) + len(gaps), 2**gap_bits - 1, np.uint32)
    codes[ends] = gaps & (2**gap_bits - 1)
    values = np.zeros(len(codes), matrix.dtype)
    values[ends] = matrix[matrix != 0]
    bits = (codes[:, None] >> np.arange(gap_bits - 1, -1, -1, dtype=np.uint32)) & 1
    return values.tobytes() + np.packbits(bits.astype(np.uint8)).tobytes()


def _relative_decode(data: bytes, shape: tuple[int, int], dtype: np.dtype, gap_bits: int) -> Matrix:
    entries = len(data) * BYTE // (dtype.itemsize * BYTE + gap_bits)
    values = np.frombuffer(data[: entries * dtype.itemsize], dtype)
    codes = np.frombuffer(data[entries * dtype.itemsize :], np.uint8)
    bits = np.unpackbits(codes, count=entries * gap_bits).reshape(entries, gap_bits).astype(np.int64)
    positions = np.cumsum(bits @ (1 << np.arange(gap_bits - 1, -1, -1)) + 1) - 1
    matrix = np.zeros(shape[0] * shape[1], dtype)
    matrix[positions] = values
    return matrix.reshape(shape)


def _relative(gap_bits: int) -> Format:
    return Format(
        name=f"relative_{gap_bits}",
        bits=lambda pattern: _relative_bits(pattern, gap_bits),
        encode=lambda matrix: _relative_encode(matrix, gap_bits),
        decode=lambda data, shape, dtype: _relative_decode(data, shape, dtype, gap_bits),
    )


# Gaps of 3 to 10 bits are the cheapest ones between densities of about 1/4 and 1/1000.
FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("dense", _dense_bits, _dense_encode, _dense_decode),
        Format("bitmask", _bitmask_bits, _bitmask_encode, _bitmask_decode),
        Format("csr", _csr_bits, _csr_encode, _csr_decode),
        *(_relative(gap_bits) for gap_bits in range(3, 11)),
    )
}
