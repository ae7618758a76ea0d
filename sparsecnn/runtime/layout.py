"""How the maps of one image lie in the scratch; kernels/step.h says why."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from sparsecnn.runtime.operation import Convolution, Linear, Operation, Pointwise, Pooling, Shape, Sides, Window
from sparsecnn.runtime.structures import SEGMENT

# Floats of a cache line; sets of the L1 cache, of 8 lines each.
LINE, L1_SETS, WAYS = 16, 64, 8
# What a tile of the output reads of a part of the input channels shall leave room in the L1 cache (32 KiB).
TILE_BYTES = 24 * 1024
# Kernels count offsets in int32 bytes; a map beyond this is torch's.
MOST_MAP_BYTES = 2**30
# Floats of a row that a pool can read, the last vector included (LONGEST_ROW in pooling.h).
LONGEST_POOLED_ROW = 4000


@dataclass(frozen=True)
class Layout:
    """Padded maps of one result: `top` and `left` are the border before pixel (0, 0), which holds `fill`.

    `halo` is how many columns a line needs beyond its 8, None for plain rows; `gap` are floats between channels.
    """

    channels: int
    height: int
    width: int
    top: int
    left: int
    strides: Sides
    rows: int
    segments: int
    line: int
    fill: float = 0.0
    halo: int | None = None
    is_flat: bool = False
    gap: int = 0

    @property
    def segment(self) -> int:
        """Floats from 8 columns to the next 8."""
        return SEGMENT if self.halo is None else self.rows * self.line

    @property
    def phase(self) -> int:
        """Floats of one phase map."""
        return self.segments * self.rows * self.line

    @property
    def channel(self) -> int:
        """Floats from a channel to the next."""
        return self.height * self.width if self.is_flat else self.strides[0] * self.strides[1] * self.phase + self.gap

    @property
    def size(self) -> int:
        """Floats of all channels."""
        return round_up(self.channels * self.channel, LINE)

    @property
    def is_direct(self) -> bool:
        """Whether what computes the map can write its 8 columns straight into it."""
        if self.halo is None:
            return True
        return self.strides == (1, 1) and self.left <= min(self.halo, 8) and self.halo - self.left <= 8

    def position(self, y: int, x: int) -> int:
        """Of padded pixel (y, x), x in the first segment, from where its channel begins."""
        rows, columns = self.strides
        phase = y % rows * columns + x % columns
        return phase * self.phase + y // rows * self.line + x // columns


def round_up(number: int, multiple: int) -> int:
    """The smallest multiple that is not below `number`."""
    return -(-number // multiple) * multiple


def plain(shape: Shape, *, top: int = 0, left: int = 0, rows: int = 0, line: int = 0, fill: float = 0.0) -> Layout:
    """Rows one behind the other, at least `rows` of at least `line` floats, border included."""
    channels, height, width = shape
    line = round_up(max(line, left + width), SEGMENT)
    return Layout(channels, height, width, top, left, (1, 1), max(rows, top + height), 1, line, fill)


def flat(shape: Shape) -> Layout:
    """No border and no gaps: the features of a linear layer."""
    channels, height, width = shape
    return Layout(channels, height, width, 0, 0, (1, 1), height, 1, width, is_flat=True)


def segmented(source: Shape, result: Shape, window: Window) -> Layout:
    """How a convolution with this window wants its source to lie."""
    channels, height, width = source
    kernel, (row_stride, column_stride) = window.kernel, window.stride
    top, left = window.padding
    reach = window.dilation[0] * (kernel[0] - 1) // row_stride
    halo = window.dilation[1] * (kernel[1] - 1) // column_stride
    is_narrow = halo == 0 and window.stride == (1, 1) and left == 0
    line = SEGMENT if is_narrow else round_up(SEGMENT + halo, LINE)
    segments = max(-(-result[2] // SEGMENT), -(-width // SEGMENT) if column_stride == 1 else 0)
    rows = max(result[1] + reach, -(-(height + top) // row_stride))
    gap = channel_gap(row_stride * column_stride * segments * rows * line, (SEGMENT + reach) * line)
    return Layout(channels, height, width, top, left, window.stride, rows, segments, line, halo=halo, gap=gap)


@cache
def channel_gap(channel: int, tile: int) -> int:
    """Floats to leave between channels so that their tiles (floats) spread over all sets of the L1 cache.

    Without it a channel of 2 KiB (14 x 14 pixels) puts the tiles of all channels into a third of the sets, which takes
    twice the time.
    """
    lines, count = min(-(-tile // LINE), L1_SETS), max(1, TILE_BYTES // (4 * tile))
    crowding = []
    for gap in range(16):
        first = np.arange(count) * (channel + gap * LINE) // LINE
        sets = (first[:, None] + np.arange(lines)) % L1_SETS
        crowding.append(int(np.bincount(sets.ravel()).max()))
    return LINE * crowding.index(min(crowding)) if crowding[0] > WAYS else 0


def pooled(source: Shape, result: Shape, pooling: Pooling) -> Layout:
    """How a pool wants its source to lie: with a border that never wins and as much of it as windows reach."""
    window = pooling.window
    rows = (result[1] - 1) * window.stride[0] + window.kernel[0]
    length = (round_up(result[2], SEGMENT) - 1) * window.stride[1] + window.kernel[1]
    fill = -np.inf if pooling.is_max else 0.0
    line = round_up(length, SEGMENT)
    return plain(source, top=window.padding[0], left=window.padding[1], rows=rows, line=line, fill=fill)


def wanted(operation: Operation) -> Layout:
    """The layout in which an operation reads its source."""
    source = operation.read.shape
    match operation.work:
        case Convolution(window=window):
            return segmented(source, operation.shape, window)
        case Pooling() as pooling:
            return pooled(source, operation.shape, pooling)
        case Linear():
            return flat(source)
        case Pointwise(is_flat=True):
            return flat(source)
    return plain(source)


def is_possible(operation: Operation) -> bool:
    """Whether the kernels can hold the maps of an operation and its source."""
    sides = [side for one in (operation, *operation.sources) for side in one.shape]
    if min(sides) < 1 or not isinstance(operation.work, Convolution | Pooling):
        return min(sides) >= 1 and 4 * int(np.prod(operation.shape)) <= MOST_MAP_BYTES
    window = operation.work.window
    if min(*window.kernel, *window.stride, *window.dilation) < 1 or min(window.padding) < 0:
        return False
    # The shapes come from a file: sizes are compared before anything is made of them.
    reach = [side * dilation for side, dilation in zip(window.kernel, window.dilation, strict=True)]
    if max(*reach, *window.padding, *window.stride) > LONGEST_POOLED_ROW:
        return False
    layout = wanted(operation)
    if isinstance(operation.work, Pooling) and layout.line > LONGEST_POOLED_ROW:
        return False
    return 4 * max(layout.size, plain(operation.shape).size) <= MOST_MAP_BYTES
