"""What kernels read beside maps: nonzeros with the offsets of their inputs, and the divisors of mean pools."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.runtime.layout import TILE_BYTES, Layout, round_up
from sparsecnn.runtime.operation import Convolution, Operation, Pooling
from sparsecnn.runtime.structures import SEGMENT
from sparsecnn.storage import SparseWeight

FLOAT_BYTES = 4
NONZERO = np.dtype([("offset", "<i4"), ("value", "<f4")])


@dataclass(frozen=True, eq=False)
class Nonzeros:
    """Nonzeros by part of the input channels and output; those of output o of a part are starts[o] .. starts[o + 1]."""

    table: NDArray[np.void]
    starts: NDArray[np.int32]
    parts: int = 1


def _table(offsets: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.void]:
    table = np.zeros(max(len(values), 1), NONZERO)
    table["offset"][: len(values)] = offsets * FLOAT_BYTES
    table["value"][: len(values)] = values
    return table


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def linear_nonzeros(weight: SparseWeight) -> Nonzeros:
    """The nonzeros of a weight [outputs, features]."""
    outputs, features = weight.shape
    positions = weight.positions.astype(np.int64)
    counts = np.bincount(positions // features, minlength=outputs)
    return Nonzeros(_table(positions % features, weight.values), _starts(counts))


def input_parts(convolution: Convolution, layout: Layout) -> int:
    """In how many parts to take the input channels, so that what a tile reads of a part stays in the L1 cache."""
    kernel = convolution.window.kernel
    rows = SEGMENT + convolution.window.dilation[0] * (kernel[0] - 1) // layout.strides[0]
    phases = min(layout.strides[0], kernel[0]) * min(layout.strides[1], kernel[1])
    channel_bytes = phases * rows * layout.line * FLOAT_BYTES
    return min(layout.channels, -(-layout.channels * channel_bytes // TILE_BYTES))


def convolution_nonzeros(convolution: Convolution, layout: Layout) -> Nonzeros:
    """The nonzeros by part, output, input channel, row and column; offsets are for a source in `layout`."""
    weight = convolution.weight
    outputs, inputs, *_ = weight.shape
    output, channel, y, x = np.unravel_index(weight.positions.astype(np.int64), weight.shape)
    channel = output // (outputs // convolution.groups) * inputs + channel
    parts = input_parts(convolution, layout)
    part = channel * parts // layout.channels
    (rows, columns), (down, right) = layout.strides, convolution.window.dilation
    phase = (y * down % rows) * columns + x * right % columns
    offsets = channel * layout.channel + phase * layout.phase + y * down // rows * layout.line + x * right // columns
    order = np.lexsort((output, part))
    # An entry more than outputs for each part: where its last output ends.
    counts = np.bincount(part * (outputs + 1) + output, minlength=parts * (outputs + 1))
    return Nonzeros(_table(offsets[order], weight.values[order]), _starts(counts)[:-1], parts)


def pool_scales(operation: Operation, pooling: Pooling) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the sums of a mean pool are multiplied with, by row and by column (as many as whole segments have)."""
    rows, columns = (_extents(operation, pooling, side) for side in (0, 1))
    padded = np.ones(round_up(len(columns), SEGMENT))
    padded[: len(columns)] = columns
    return (1 / rows).astype(np.float32), (1 / padded).astype(np.float32)


def _extents(operation: Operation, pooling: Pooling, side: int) -> NDArray[np.int64]:
    """Pixels of each window along one side, those of the padding included if they count; as torch counts them."""
    window = pooling.window
    size, padding = operation.read.shape[1 + side], window.padding[side]
    start = np.arange(operation.shape[1 + side]) * window.stride[side] - padding
    end = np.minimum(start + window.kernel[side], size + padding)
    extents: NDArray[np.int64] = end - start if pooling.counts_padding else np.minimum(end, size) - np.maximum(start, 0)
    return extents
