"""A stretch of operations that runs in C: planned once, called with tensors, in as many threads as torch has."""

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from struct import Struct

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.runtime.lowering import FEATURES, Stretch
from sparsecnn.runtime.planner import Routine, Tables, group_chain, plan_routine
from sparsecnn.runtime.structures import GROUP, TENSOR_FIELDS

Shape = tuple[int, ...]
# Address and strides.
_Tensor = tuple[int, tuple[int, ...]]
CACHE_LINE_BYTES, FLOAT_BYTES = 64, 4
# Fewer images than this are not worth lanes of their own at the end of a group.
FEWEST_OF_GROUP = 3


class Memory:
    """A scratch, and the address in it that is on a cache line: asking NumPy for it takes longer than a small layer."""

    def __init__(self, floats: int) -> None:
        self.array = new_scratch(floats + CACHE_LINE_BYTES // FLOAT_BYTES)
        self.address = -(-self.array.ctypes.data // CACHE_LINE_BYTES) * CACHE_LINE_BYTES


def new_scratch(floats: int) -> NDArray[np.float32]:
    """Memory for the maps of one image or group; between the maps it is never written."""
    return np.zeros(floats, np.float32)


class RoutineRunner:
    """Runs one routine; scratches are made when they are needed and kept for later calls, one for each at a time."""

    def __init__(self, kernels: ctypes.CDLL, routine: Routine) -> None:
        self.kernels, self.routine = kernels, routine
        self.address, self.steps = ctypes.addressof(routine.steps), len(routine.steps)
        self.idle: list[Memory] = []

    def run(self, tensors: bytes, images: int) -> None:
        """Computes `images` images from where the tensors begin."""
        try:
            memory = self.idle.pop()  # atomic, so that every thread has its own
        except IndexError:
            memory = Memory(self.routine.size)
            fills = self.routine.fills
            self.kernels.prepare(ctypes.addressof(fills), len(fills), memory.address)
        self.kernels.run(self.address, self.steps, tensors, images, memory.address)
        self.idle.append(memory)


class StretchRunner:
    """Computes the results of a stretch from those that it reads; `shapes` are those of its outputs [...], no batch."""

    def __init__(self, kernels: ctypes.CDLL, stretch: Stretch, shapes: Sequence[Shape]) -> None:
        self.first, self.numbers = stretch.inputs[0], (*stretch.inputs, *stretch.outputs)
        self.outputs = tuple(zip(stretch.outputs, shapes, strict=True))
        self.pack = Struct(f"{TENSOR_FIELDS * len(self.numbers)}q").pack
        tables: Tables = {}
        chain = group_chain(stretch.operations, stretch.results)
        self.single = RoutineRunner(kernels, plan_routine(stretch.operations, stretch.results, tables=tables))
        self.group = None
        if chain:
            routine = plan_routine(stretch.operations, stretch.results, tables=tables, chain=chain)
            self.group = RoutineRunner(kernels, routine)

    def run(self, results: dict[int, Tensor]) -> None:
        """Adds the outputs, contiguous, to `results`, where the inputs are.

        Inputs are float32 on the CPU and may lie in any way; their batches are equal.
        """
        # Here and below the quickest of several ways to say the same: this is part of every call.
        images = results[self.first].shape[0]
        for number, shape in self.outputs:
            results[number] = torch.empty(images, *shape, dtype=torch.float32)
        tensors = [(tensor.data_ptr(), tensor.stride()) for tensor in map(results.__getitem__, self.numbers)]
        if images <= GROUP:
            self._part(tensors, 0, images)
        else:
            _in_threads(lambda first, last: self._part(tensors, first, last), images)

    def _part(self, tensors: Sequence[_Tensor], first: int, last: int) -> None:
        whole = first
        if self.group is not None:
            rest = (last - first) % GROUP
            whole = last - (rest if rest < FEWEST_OF_GROUP else 0)
            if whole > first:
                self.group.run(self._described(tensors, first), whole - first)
        if last > whole:
            self.single.run(self._described(tensors, whole), last - whole)

    def _described(self, tensors: Sequence[_Tensor], first: int) -> bytes:
        """The images of `tensors` from number `first` on, for the kernels: a `struct tensor` (step.h) for each."""
        fields: list[int] = []
        for address, strides in tensors:
            fields.append(address + first * strides[0] * FLOAT_BYTES)
            fields += (strides[0], 0, 0, strides[1]) if len(strides) == FEATURES else strides
        return self.pack(*fields)


def _in_threads(part: Callable[[int, int], None], images: int) -> None:
    """Calls `part` with consecutive ranges of whole groups, one for each of torch's threads."""
    groups = -(-images // GROUP)
    threads = min(torch.get_num_threads(), groups) if groups > 1 else 1
    if threads == 1:
        part(0, images)
        return
    ends = [min(groups * number // threads * GROUP, images) for number in range(threads + 1)]
    pool = _pool(threads - 1, os.getpid())
    waiting = [pool.submit(part, ends[number], ends[number + 1]) for number in range(1, threads)]
    try:
        part(ends[0], ends[1])
    finally:
        for future in waiting:
            future.result()


@cache
def _pool(workers: int, process: int) -> ThreadPoolExecutor:
    """Threads that are kept; a forked `process` has to start its own."""
    return ThreadPoolExecutor(workers, thread_name_prefix="sparsecnn")
