"""A stretch of operations that runs in C: planned once, called with tensors, in as many threads as torch has."""

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.runtime.lowering import FEATURES, Stretch
from sparsecnn.runtime.planner import Routine, Tables, group_chain, plan_routine
from sparsecnn.runtime.structures import GROUP, KernelTensor

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

    def run(self, tensors: "ctypes.Array[KernelTensor]", images: int) -> None:
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
        self.inputs, self.outputs, self.shapes = stretch.inputs, stretch.outputs, shapes
        self.table = KernelTensor * (len(stretch.inputs) + len(shapes))
        tables: Tables = {}
        chain = group_chain(stretch.operations, stretch.results)
        self.single = RoutineRunner(kernels, plan_routine(stretch.operations, stretch.results, tables=tables))
        self.group = None
        if chain:
            routine = plan_routine(stretch.operations, stretch.results, tables=tables, chain=chain)
            self.group = RoutineRunner(kernels, routine)

    def run(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs, contiguous; inputs are float32 on the CPU and may lie in any way, their batches are equal."""
        images = inputs[0].shape[0]
        outputs = [torch.empty((images, *shape)) for shape in self.shapes]
        # Plain tuples: this is most of what a call costs beside the kernels.
        tensors = [(tensor.data_ptr(), tensor.stride()) for tensor in (*inputs, *outputs)]
        if images <= GROUP:
            self._part(tensors, 0, images)
        else:
            _in_threads(lambda first, last: self._part(tensors, first, last), images)
        return outputs

    def _part(self, tensors: Sequence[_Tensor], first: int, last: int) -> None:
        rest = (last - first) % GROUP
        whole = first if self.group is None else last - (rest if rest < FEWEST_OF_GROUP else 0)
        if self.group is not None and whole > first:
            self.group.run(self.table(*[_described(*tensor, first) for tensor in tensors]), whole - first)
        if last > whole:
            self.single.run(self.table(*[_described(*tensor, whole) for tensor in tensors]), last - whole)


def _described(address: int, strides: tuple[int, ...], first: int) -> KernelTensor:
    """The images of a tensor from number `first` on."""
    image = strides[0]
    address += first * image * FLOAT_BYTES
    if len(strides) == FEATURES:
        return KernelTensor(address, image, 0, 0, strides[1])
    return KernelTensor(address, image, strides[1], strides[2], strides[3])


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
