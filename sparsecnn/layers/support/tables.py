"""The weights that are kept, in the order in which the kernels go through them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.layers.support.axis import Numbers
from sparsecnn.layers.support.structures import GROUP, Frame, Kept

# Of the 32 KiB that most L1 caches have, what is left beside sums and weights. 12 to 28 KiB are equally fast.
CACHE_BYTES = 20 * 1024
# Weights a channel and part: each part loads and stores the sums once, which takes the time of one or two weights.
LEAST_TOGETHER = 4


@dataclass(frozen=True)
class Entries:
    """Kept weights: their indices in [out, in, height, width], and where they lie in the weight's memory."""

    out: Numbers
    into: Numbers
    row: Numbers
    column: Numbers
    memory: Numbers

    def where(self, chosen: NDArray[np.bool_]) -> "Entries":
        """Some of them."""
        return Entries(*(part[chosen] for part in (self.out, self.into, self.row, self.column, self.memory)))


def entries(mask: Tensor, strides: Sequence[int]) -> Entries:
    """The nonzeros of `mask`, for a weight of its shape with such strides."""
    found = mask.nonzero()
    memory = (found * torch.tensor(strides)).sum(1)
    out, into, row, column = found.t().contiguous().numpy()
    return Entries(out, into, row, column, memory.numpy())


class Table:
    """Weights by the channel they are summed into, with room for their values."""

    def __init__(
        self,
        into: Numbers,
        source: Numbers,
        offsets: Numbers,
        memory: Numbers,
        *,
        channels: tuple[int, int],
        parts: int,
    ) -> None:
        """`channels` are those that are summed into and those that are read, the latter in `parts` parts."""
        group = source * parts // channels[1] * channels[0] + into
        order = np.lexsort((offsets, group))
        self.starts = np.zeros(parts * channels[0] + 1, np.int64)
        np.cumsum(np.bincount(group, minlength=parts * channels[0]), out=self.starts[1:])
        self.offsets = np.ascontiguousarray(offsets[order])
        self.memory = torch.from_numpy(memory[order])
        self.values = torch.empty(len(order))
        self.kept = Kept(channels[0], parts, self.starts.ctypes.data, self.offsets.ctypes.data, self.values.data_ptr())

    def read(self, weight: Tensor) -> None:
        """Takes the values from a dense weight."""
        torch.index_select(_memory_of(weight), 0, self.memory, out=self.values)

    def written(self, weight: Tensor) -> Tensor:
        """The values in a tensor like `weight`, zeros elsewhere."""
        filled = torch.zeros_like(weight)
        _memory_of(filled).index_copy_(0, self.memory, self.values)
        return filled


def _memory_of(weight: Tensor) -> Tensor:
    return weight.detach().as_strided((weight.numel(),), (1,))


def offsets(frame: Frame, channel: Numbers, row: Numbers, column: Numbers) -> Numbers:
    """Distances in a tile, in floats."""
    distances: Numbers = ((channel * frame.height + row) * frame.width + column) * GROUP
    return distances


def parts_for(count: int, *, channels: tuple[int, int], places: int) -> int:
    """In how many parts to read the channels: each within the L1 cache, unless the sums then cost more.

    `count` weights are summed into `channels[0]` channels; what is computed at once reads `places` places in each of
    `channels[1]`.
    """
    for_cache = -(-channels[1] * places * GROUP * 4 // CACHE_BYTES)
    for_sums = count // (channels[0] * LEAST_TOGETHER)
    return max(1, min(for_cache, for_sums, channels[1]))
