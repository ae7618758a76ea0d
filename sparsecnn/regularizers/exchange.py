"""The projection on an l0 ball by exchange: exact, and cheap while the support hardly moves.

If no magnitude off the support is above the least one on it, the support stays as it is. Otherwise only weights between
the two can change places, so these alone are ranked. Source: this project's choice.

exchange.c does it where there is a C compiler, NumPy where there is none; both give the same bits.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.native import library
from sparsecnn.operators import project_l0

Bits = NDArray[np.int32]
Kept = NDArray[np.int8]
Places = NDArray[np.int64]

NHWC = torch.channels_last
# The bits of a float without its sign, as an integer, grow with its magnitude.
MAGNITUDE = np.int32(0x7FFFFFFF)
# Weights that change places in a step, as a rule.
FEW = 1024


class Support:
    """Which weights of one layer are kept in its l0 ball, remembered from one projection to the next."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.memory: Memory | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without its memory, whose addresses mean nothing in a copy."""
        return {**vars(self), "memory": None}

    def project_(self, weight: Tensor) -> None:
        """Replaces `weight` by `project_l0(weight, budget)`, exactly."""
        if self.budget >= weight.numel():
            return
        if self.memory is None or not self.memory.is_of(weight) or not self.memory.exchange_():
            with torch.no_grad():
                weight.copy_(project_l0(weight, self.budget))
            self.memory = Memory(weight, self.budget) if self.budget and _is_plain(weight) else None


def _is_plain(weight: Tensor) -> bool:
    """Whether NumPy can work on its memory, and nothing else lies there."""
    is_whole = weight.is_contiguous() or (weight.dim() == 4 and weight.is_contiguous(memory_format=NHWC))
    return weight.is_cpu and weight.dtype is torch.float32 and is_whole


class Memory:
    """The memory of a weight that has just been projected, and what of it is kept."""

    def __init__(self, weight: Tensor, budget: int) -> None:
        self.address, self.shape, self.strides = weight.data_ptr(), weight.shape, weight.stride()
        self.bits: Bits = torch.as_strided(weight.detach(), (weight.numel(),), (1,)).numpy().view(np.int32)
        self.kept: Kept = (self.bits & MAGNITUDE != 0).astype(np.int8)
        # As many zeros as are missing, whichever.
        self.kept[np.flatnonzero(self.kept == 0)[: budget - int(self.kept.sum())]] = 1
        self.kernels = kernels(self.bits, self.kept)

    def is_of(self, weight: Tensor) -> bool:
        """Whether `weight` still lies there, in the same way."""
        return weight.data_ptr() == self.address and (weight.shape, weight.stride()) == (self.shape, self.strides)

    def exchange_(self) -> bool:
        """Projects what is there now; False, with nothing done, if zeros are kept for want of other weights."""
        found = self.kernels.stay()
        if found is None:
            return True
        least, greatest = found
        if least == 0:
            return False
        places = self.kernels.between(least, greatest)
        survivors = self._survivors(places, self.bits[places] & MAGNITUDE, int(self.kept[places].sum()))
        self.kept[places] = 0
        self.kept[survivors] = 1
        self.kernels.keep()
        return True

    def _survivors(self, places: Places, magnitudes: Bits, count: int) -> Places:
        """The places of the `count` largest magnitudes; of equal ones the first in (out, in, height, width) order."""
        last = np.partition(magnitudes, len(magnitudes) - count)[len(magnitudes) - count]
        above = places[magnitudes > last]
        tied = places[magnitudes == last]
        if len(above) + len(tied) > count:
            tied = tied[np.argsort(self._positions(tied), kind="stable")]
        return np.concatenate([above, tied[: count - len(above)]])

    def _positions(self, places: Places) -> Places:
        """Of places in memory, in (out, in, height, width) order."""
        positions = np.zeros_like(places)
        for size, stride in zip(self.shape, self.strides, strict=True):
            positions = positions * size + places // stride % size
        return positions


class Kernels(Protocol):
    """What takes a pass over all weights of a memory."""

    def stay(self) -> tuple[int, int] | None:
        """Zeroes what is not kept, if none of it is as large as what is; else the least kept and the greatest not."""
        ...

    def between(self, least: int, greatest: int) -> Places:
        """The places of magnitudes in [least, greatest], ascending."""
        ...

    def keep(self) -> None:
        """Sets to zero what is not kept."""
        ...


class Compiled:
    """In C."""

    def __init__(self, compiled: ctypes.CDLL, bits: Bits, kept: Kept) -> None:
        self.compiled, self.bounds = compiled, (ctypes.c_int32 * 2)()
        self.bits, self.kept, self.count = bits.ctypes.data, kept.ctypes.data, len(bits)

    def stay(self) -> tuple[int, int] | None:
        stayed = self.compiled.stay(self.bits, self.kept, self.count, self.bounds)
        return None if stayed else (self.bounds[0], self.bounds[1])

    def between(self, least: int, greatest: int) -> Places:
        count = FEW
        while True:
            places = np.empty(count, np.int64)
            count = self.compiled.between(self.bits, self.count, least, greatest, count, places.ctypes.data)
            if count <= len(places):
                return places[:count]

    def keep(self) -> None:
        self.compiled.keep(self.bits, self.kept, self.count)


class Plain:
    """In NumPy; masks are numbers, because selecting by booleans takes ten times as long."""

    def __init__(self, bits: Bits, kept: Kept) -> None:
        self.bits, self.kept = bits, kept

    def stay(self) -> tuple[int, int] | None:
        magnitudes, is_zeroed = self.bits & MAGNITUDE, self.kept - np.int8(1)  # 0, or all bits
        least = int((magnitudes | is_zeroed).view(np.uint32).min())
        greatest = int((magnitudes & is_zeroed).max())
        if least <= greatest and greatest > 0:
            return least, greatest
        self.keep()
        return None

    def between(self, least: int, greatest: int) -> Places:
        magnitudes = self.bits & MAGNITUDE
        return np.flatnonzero((magnitudes >= least) & (magnitudes <= greatest))

    def keep(self) -> None:
        np.multiply(self.bits, self.kept, out=self.bits)


def kernels(bits: Bits, kept: Kept) -> Kernels:
    """The compiled ones where there is a compiler."""
    found = compiled()
    return Plain(bits, kept) if found is None else Compiled(found, bits, kept)


@cache
def compiled() -> ctypes.CDLL | None:
    """The functions of exchange.c, or None without a compiler."""
    found = library(Path(__file__).with_name("exchange.c"))
    if found is not None:
        number, pointer, bits = ctypes.c_int64, ctypes.c_void_p, ctypes.c_int32
        found.stay.argtypes = [pointer, pointer, number, pointer]
        found.between.argtypes = [pointer, number, bits, bits, number, pointer]
        found.keep.argtypes = [pointer, pointer, number]
        found.stay.restype, found.between.restype, found.keep.restype = ctypes.c_int, number, None
    return found
