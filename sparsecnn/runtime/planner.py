"""From operations to the steps that the kernels run: where each result lies, what is copied, what is freed when."""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sparsecnn.runtime.emission import Emission
from sparsecnn.runtime.layout import Layout, flat, plain, segmented, wanted
from sparsecnn.runtime.operation import (
    Convolution,
    Input,
    Linear,
    Mean,
    Operation,
    Pointwise,
    Pooling,
    Residual,
    Window,
)
from sparsecnn.runtime.places import Place, Scratch
from sparsecnn.runtime.structures import Fill, KernelStep
from sparsecnn.runtime.tables import Nonzeros

# Nonzeros by operation, which several routines share.
Tables = dict[Operation, Nonzeros]


@dataclass(frozen=True, eq=False)
class Routine:
    """Steps, how the scratch begins, its floats, and what the steps point to, which must live as long."""

    steps: "ctypes.Array[KernelStep]"
    fills: "ctypes.Array[Fill]"
    size: int
    kept: tuple[object, ...]


def group_chain(operations: Sequence[Operation], outputs: Mapping[int, Operation]) -> list[Operation]:
    """The linear layers at the end, each read by the next alone, which can take a group of images at once."""
    chain: list[Operation] = []
    for operation in reversed(operations):
        others = [reader for reader in operations if operation in reader.sources and reader not in chain[:1]]
        stored = sum(output is operation for output in outputs.values())
        fits = not chain or chain[0].source is operation
        if not isinstance(operation.work, Linear) or others or not fits or stored != (not chain):
            break
        chain.insert(0, operation)
    return chain


def plan_routine(
    operations: Sequence[Operation],
    outputs: Mapping[int, Operation],
    *,
    tables: Tables,
    chain: Sequence[Operation] = (),
) -> Routine:
    """The routine of `operations`, in their order; `outputs` says by number of a tensor what to store there.

    `chain` are the operations at the end that take groups of images.
    """
    return _Planner(operations, outputs, tables, chain).routine()


class _Planner:
    """What is known while operations are planned one by one."""

    def __init__(
        self,
        operations: Sequence[Operation],
        outputs: Mapping[int, Operation],
        tables: Tables,
        chain: Sequence[Operation],
    ) -> None:
        self.operations, self.outputs, self.chain = operations, outputs, chain
        self.scratch = Scratch()
        self.emit = Emission(tables)
        self.homes: dict[Operation, Place] = {}
        self.copies: dict[Operation, list[Place]] = {operation: [] for operation in operations}
        self.handed_on: set[Place] = set()
        self.readers: dict[Operation, list[Operation]] = {operation: [] for operation in operations}
        self.last_use = {operation: operation for operation in operations}
        for operation in operations:
            if operation.source is not None:
                self.readers[operation.source].append(operation)
            for source in operation.sources:
                self.last_use[source] = operation
        self.ends: dict[Operation, list[Operation]] = {operation: [] for operation in operations}
        for operation, last in self.last_use.items():
            self.ends[last].append(operation)

    def routine(self) -> Routine:
        for operation in self.operations[: len(self.operations) - len(self.chain)]:
            self._compute(operation)
            self._store(operation)
            self._release(operation)
        if self.chain:
            self._compute_group()
        steps, fills = self.emit.steps, self.scratch.fills
        kept = tuple(self.emit.kept)
        return Routine((KernelStep * len(steps))(*steps), (Fill * len(fills))(*fills), self.scratch.size, kept)

    def _compute(self, operation: Operation) -> None:
        match operation.work:
            case Convolution() as work:
                source = self._source(operation.read, wanted(operation))
                residual = self._residual(operation) if operation.residual else None
                self.emit.convolution(operation, work, source, residual, self._home(operation))
            case Pooling() as work:
                source = self._source(operation.read, wanted(operation))
                self.emit.pooling(operation, work, source, self._home(operation))
            case Pointwise(is_flat=True):
                row = flat(operation.shape)
                read = [Place(row, self._source(source, flat(source.shape)).offset) for source in operation.sources]
                self.emit.pointwise(operation, read[0], read[1] if len(read) > 1 else None, self._flat_home(operation))
            case Pointwise():
                residual = self._residual(operation) if operation.residual else None
                self.emit.pointwise(operation, self._anywhere(operation.read), residual, self._home(operation))
            case Mean():
                self.emit.mean(operation, self._source(operation.read, wanted(operation)), self._flat_home(operation))
            case Linear() as work:
                self.emit.linear(
                    operation, work, self._source(operation.read, wanted(operation)), self._flat_home(operation)
                )

    def _compute_group(self) -> None:
        """Each image's features get a row of their own, then all rows go through the chain at once."""
        first = self.chain[0].read
        features = prod(first.shape)
        rows = self.emit.rows(self.scratch, self._source(first, flat(first.shape)), features)
        lanes = self.emit.interleave(self.scratch, rows, features)
        for operation in self.chain:
            assert isinstance(operation.work, Linear)
            lanes = self.emit.linear_group(self.scratch, operation, operation.work, lanes)
        (number,) = (number for number, output in self.outputs.items() if output is self.chain[-1])
        self.emit.store_group(self.chain[-1], lanes, number)

    # Where results go

    def _home(self, operation: Operation) -> Place:
        """The place that an operation writes its result to."""
        wants = {wanted(reader) for reader in self.readers[operation]}
        layout = wants.pop() if len(wants) == 1 else plain(operation.shape)
        if not layout.is_direct:
            layout = plain(operation.shape)
        self.homes[operation] = self._in_place(operation, layout) or self.scratch.place(layout)
        return self.homes[operation]

    def _flat_home(self, operation: Operation) -> Place:
        self.homes[operation] = self.scratch.place(flat(operation.shape))
        return self.homes[operation]

    def _in_place(self, operation: Operation, layout: Layout) -> Place | None:
        """The place of what is added, if nobody needs it later and no two tiles overlap, which would add it twice."""
        added = operation.residual
        if not isinstance(operation.work, Convolution) or added is None or added.stride != 1:
            return None
        there = self.homes.get(added.operation)
        is_needed = self.last_use[added.operation] is not operation or added.operation is operation.source
        if there is None or there.layout != layout or added.operation.shape != operation.shape or is_needed:
            return None
        if operation.shape[1] % 8 not in (0, 1, 2, 4):
            return None
        self.handed_on.add(there)
        return there

    # Where sources come from

    def _source(self, operation: Operation, layout: Layout) -> Place:
        """The place of a result in `layout`, to which it is copied if it lies otherwise."""
        home = self.homes.get(operation)
        if home is not None and home.layout == layout:
            return home
        there = [place for place in self.copies[operation] if place.layout == layout]
        return there[0] if there else self._copied(operation, layout)

    def _copied(self, operation: Operation, layout: Layout) -> Place:
        home = self.homes.get(operation)
        # Loads read plain rows; out of segments a map goes through them.
        is_cut = home is not None and home.layout.halo is not None
        source = self._source(operation, plain(operation.shape)) if is_cut and not layout.is_direct else home
        place = self.scratch.place(layout)
        self.copies[operation].append(place)
        if isinstance(operation.work, Input):
            self.emit.load_tensor(operation, operation.work.number, place)
        elif source is not None and source.layout.halo is not None:
            self.emit.copy(operation, source, place)
        else:
            assert source is not None
            self.emit.load(operation, source, place)
        return place

    def _anywhere(self, operation: Operation) -> Place:
        """Wherever a result lies."""
        return self.homes.get(operation) or self._source(operation, plain(operation.shape))

    def _residual(self, operation: Operation) -> Place:
        assert operation.residual is not None
        residual: Residual = operation.residual
        added, stride = residual.operation, residual.stride
        if stride == 1:
            return self._anywhere(added)
        needed = -(-operation.shape[2] // 8)
        for place in self.copies[added]:  # the map that the convolution of the block reads will do as well
            layout = place.layout
            if (
                layout.strides == (stride, stride)
                and layout.segments >= needed
                and layout.left // stride <= (layout.halo or 0)
            ):
                return place
        window = Window((1, 1), (stride, stride), (0, 0))
        return self._source(added, segmented(added.shape, operation.shape, window))

    def _store(self, operation: Operation) -> None:
        for number, output in self.outputs.items():
            if output is operation:
                self.emit.store(operation, self._anywhere(operation), number)

    def _release(self, operation: Operation) -> None:
        """Frees the places of results that nobody needs after `operation`."""
        for ended in self.ends[operation]:
            home = self.homes.pop(ended, None)
            for place in [*([home] if home else []), *self.copies.pop(ended)]:
                if place in self.handed_on:  # another result lies there now
                    self.handed_on.remove(place)
                else:
                    self.scratch.release(place)
