"""Scales and codebooks: the few numbers that the codes of a layer lean on, and how they are stored."""

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import DivergedError

Matrix = NDArray[np.float32]
# Scales that are tried for a row, as shares of the one that just reaches its largest weight: this project's choice.
# With many levels clipping hardly pays.
SCALE_SHARES = np.linspace(1.0, 0.4, 16)
FINE_SHARES = np.linspace(1.0, 0.8, 5)
MANY_LEVELS = 31
# Weights that are looked at together: temporary arrays shall be small beside a large layer.
BLOCK_WEIGHTS = 2**20
KMEANS_ROUNDS = 100


def best_scales(matrix: Matrix, largest: int, step: float = 0.0) -> Matrix:
    """For each row the scale of least squared error, of those tried, when magnitudes go up to `largest` steps.

    At least `step` times the root mean square of the row's nonzeros: larger steps make fewer, shorter codes.
    """
    blocks = [_best_scales(matrix[rows], largest, step) for rows in row_blocks(matrix.shape)]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def row_blocks(shape: tuple[int, ...]) -> list[slice]:
    """Slices of rows of about BLOCK_WEIGHTS weights each."""
    rows, columns = shape
    height = max(BLOCK_WEIGHTS // max(columns, 1), 1)
    return [slice(start, start + height) for start in range(0, rows, height)]


def _best_scales(matrix: Matrix, largest: int, step: float) -> Matrix:
    require_finite(matrix)
    rows, columns = np.nonzero(matrix)
    nonzeros = np.abs(matrix[rows, columns].astype(np.float64))  # whose squares have room
    top = np.abs(matrix).max(axis=1, initial=0.0) / largest
    shares = SCALE_SHARES if largest < MANY_LEVELS else FINE_SHARES
    errors = np.empty((len(shares), len(top)))
    for error, share in zip(errors, shares, strict=True):
        tried = (top * share).astype(np.float32)[rows]
        error[:] = np.bincount(rows, np.square(nonzeros - magnitudes(nonzeros, tried, largest) * tried), len(top))
    mean_squares = np.bincount(rows, np.square(nonzeros), len(top)) / np.maximum(
        np.bincount(rows, minlength=len(top)), 1
    )
    found = top * shares[np.argmin(errors, axis=0)]
    return np.asarray(np.maximum(found, step * np.sqrt(mean_squares)), np.float32)


def magnitudes(matrix: Matrix, scales: Matrix, largest: int) -> Matrix:
    """Whole steps of `scales` nearest to the magnitudes of `matrix`, at most `largest`; 0 where a scale is 0."""
    steps = np.rint(np.abs(matrix) / np.where(scales > 0, scales, np.float32(np.inf)))
    return np.asarray(np.minimum(steps, largest), np.float32)


def centres(values: Matrix, entries: int) -> Matrix:
    """The ascending centres of `entries` clusters, by k-means from centres at equal distances.

    Source: Han et al. 2016, "Deep Compression", section 3 (linear initialisation).
    """
    require_finite(values)
    if not len(values):
        return np.zeros(entries, np.float32)
    ordered = np.sort(values)
    sums = np.zeros(len(ordered) + 1)
    sums[1:] = ordered
    np.cumsum(sums, out=sums)
    found = np.linspace(float(ordered[0]), float(ordered[-1]), entries)
    for _ in range(KMEANS_ROUNDS):
        ends = np.concatenate([[0], _count_below(ordered, (found[1:] + found[:-1]) / 2), [len(ordered)]])
        counts = np.diff(ends)
        moved = np.where(counts, np.diff(sums[ends]) / np.maximum(counts, 1), found)
        if np.array_equal(moved, found):
            break
        found = moved
    return np.sort(found).astype(np.float32)


def _count_below(ordered: Matrix, limits: NDArray[np.float64]) -> NDArray[np.int64]:
    # In the type of `ordered`, of which NumPy would make a wider copy. Limits are rounded up: the count stays exact.
    narrowed = limits.astype(np.float32)
    return np.searchsorted(ordered, np.where(narrowed < limits, np.nextafter(narrowed, np.float32(np.inf)), narrowed))


def nearest(values: Matrix, ascending: Matrix) -> NDArray[np.int64]:
    """The index of the nearest of `ascending` numbers for each value."""
    return np.searchsorted((ascending[1:] + ascending[:-1]) / 2, values)


def table_bytes(count: int) -> int:
    """The bytes of a table of so many numbers."""
    return 1 + 2 * count if count else 0


def to_table(numbers: Matrix) -> bytes:
    """Numbers as float16 times a power of two, whose exponent stands first: small ones keep their precision."""
    if not len(numbers):
        return b""
    top = float(np.abs(numbers).max())
    exponent = int(np.clip(np.frexp(top)[1], -128, 127)) if top else 0
    return np.int8(exponent).tobytes() + np.ldexp(numbers, -exponent).astype("<f2").tobytes()


def from_table(table: bytes) -> Matrix:
    """What `to_table` stored."""
    if not table:
        return np.zeros(0, np.float32)
    exponent = int(np.frombuffer(table[:1], np.int8)[0])
    return np.ldexp(np.frombuffer(table[1:], "<f2").astype(np.float32), exponent)


def require_finite(values: Matrix) -> None:
    """DivergedError unless all are finite."""
    if not np.isfinite(values).all():
        raise DivergedError("weights that are not finite cannot be quantised")
