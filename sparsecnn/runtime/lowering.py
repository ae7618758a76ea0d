"""From steps of a program to the operations that the kernels compute."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.programs import Program, Step
from sparsecnn.runtime.layout import is_possible
from sparsecnn.runtime.operation import (
    Convolution,
    Input,
    Linear,
    Mean,
    Operation,
    Pointwise,
    Pooling,
    Residual,
    Shape,
    Sides,
    Window,
)
from sparsecnn.runtime.units import Shortcut, Unit, readers_of, sources_of
from sparsecnn.storage import SparseWeight

MAPS, FEATURES = 4, 2


@dataclass(frozen=True, eq=False)
class Network:
    """A program whose normalisations are folded, its weights by layer, all other values, and its shapes.

    `shapes` are those of all results for one image [1, ...], the image's first.
    """

    program: Program
    weights: Mapping[str, SparseWeight]
    others: Mapping[str, Tensor]
    shapes: Sequence[tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Operations in the order in which they are computed; `inputs` and `outputs` are numbers of results.

    Tensors are counted through: those that are read, then those that are written.
    """

    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    results: Mapping[int, Operation]


def lowered(network: Network, units: Sequence[Unit], outputs: Sequence[int]) -> Stretch:
    """The operations of consecutive units, of which `outputs` are read elsewhere."""
    inner = {unit.number for unit in units}
    read = [source for unit in units for source in sources_of(network.program, unit)]
    inputs = [source for source in dict.fromkeys(read) if source not in inner]
    results = {source: _input(network, source, number) for number, source in enumerate(inputs)}
    made = list(results.values())
    lowering = _Lowering(network, results)
    for unit in units:
        results[unit.number] = lowering.operation(unit)
        made.append(results[unit.number])
    stored = {len(inputs) + number: results[output] for number, output in enumerate(outputs)}
    return Stretch(tuple(_needed(made, stored.values())), tuple(inputs), tuple(outputs), stored)


def native(network: Network, unit: Unit) -> Operation | None:
    """The operation of a unit on its own; None for one that the kernels cannot compute."""
    sources = sources_of(network.program, unit)
    if any(map_shape(network.shapes[number]) is None for number in (*sources, unit.number)):
        return None
    results = {source: _input(network, source, number) for number, source in enumerate(sources)}
    try:
        return _Lowering(network, results).operation(unit)
    except _NotNativeError:
        return None


def map_shape(shape: Sequence[int]) -> Shape | None:
    """[C, H, W] of a result [1, ...], features [1, K] being [1, 1, K]; None for a result that is neither."""
    if len(shape) == MAPS:
        return shape[1], shape[2], shape[3]
    return (1, 1, shape[1]) if len(shape) == FEATURES else None


def _input(network: Network, source: int, number: int) -> Operation:
    shape = map_shape(network.shapes[source])
    assert shape is not None
    return Operation(Input(number), shape)


def _needed(made: Sequence[Operation], ends: Iterable[Operation]) -> list[Operation]:
    """Those operations, in their order, that the ends are made of."""
    waiting = list(ends)
    needed: set[Operation] = set()
    while waiting:
        operation = waiting.pop()
        if operation not in needed:
            needed.add(operation)
            waiting += operation.sources
    return [operation for operation in dict.fromkeys(made) if operation in needed]


class _NotNativeError(Exception):
    """A step that the kernels cannot compute."""


class _Lowering:
    """The operations made so far, by the number of the result."""

    def __init__(self, network: Network, results: Mapping[int, Operation]) -> None:
        self.network, self.results = network, results
        self.readers = readers_of(network.program)

    def operation(self, unit: Unit) -> Operation:
        step = self.network.program.steps[unit.number - 1]
        if step.operation == "add":
            made = self._add(unit, step)
        elif step.operation in _LOWERINGS:
            made = _LOWERINGS[step.operation](self, step, unit.number)
        else:
            raise _NotNativeError
        if not is_possible(made):
            raise _NotNativeError
        return made

    def shape(self, number: int) -> Shape:
        shape = map_shape(self.network.shapes[number])
        assert shape is not None
        return shape

    def is_map(self, number: int) -> bool:
        return len(self.network.shapes[number]) == MAPS

    def bias(self, step: Step, outputs: int) -> NDArray[np.float32]:
        if "b" not in step.options:
            return np.zeros(outputs, np.float32)
        return np.ascontiguousarray(self.network.others[f"{step.layer}.bias"].numpy(), np.float32)

    def conv(self, step: Step, number: int) -> Operation:
        weight = self.network.weights[str(step.layer)]
        require(self.is_map(step.inputs[0]) and len(weight.shape) == MAPS and "t" not in step.options)
        stride, padding, dilation = (_pair(step, letter, default) for letter, default in (("s", 1), ("p", 0), ("d", 1)))
        window = Window((weight.shape[2], weight.shape[3]), stride, padding, dilation)
        work = Convolution(weight, self.bias(step, weight.shape[0]), window, step.integers("g", 1, 1)[0])
        return Operation(work, self.shape(number), self.results[step.inputs[0]])

    def linear(self, step: Step, number: int) -> Operation:
        weight = self.network.weights[str(step.layer)]
        require(not self.is_map(step.inputs[0]))
        work = Linear(weight, self.bias(step, weight.shape[0]))
        return Operation(work, self.shape(number), self.results[step.inputs[0]])

    def pool(self, step: Step, number: int) -> Operation:
        require(self.is_map(step.inputs[0]) and "d" not in step.options)
        window = Window(_pair(step, "k", 1), _pair(step, "s", 1), _pair(step, "p", 0))
        work = Pooling(window, step.operation == "max_pool", "x" not in step.options)
        return Operation(work, self.shape(number), self.results[step.inputs[0]])

    def adaptive_pool(self, step: Step, number: int) -> Operation:
        source, result = self.shape(step.inputs[0]), self.shape(number)
        require(self.is_map(step.inputs[0]) and min(result) > 0)
        if result[1:] == (1, 1):
            return self.mean(step, number)
        require(source[1] % result[1] == 0 and source[2] % result[2] == 0)
        kernel = source[1] // result[1], source[2] // result[2]
        work = Pooling(Window(kernel, kernel, (0, 0)), is_max=False)
        return Operation(work, result, self.results[step.inputs[0]])

    def mean(self, step: Step, number: int) -> Operation:
        require(self.is_map(step.inputs[0]))
        return Operation(Mean(), self.shape(number), self.results[step.inputs[0]])

    def flatten(self, step: Step, number: int) -> Operation:
        """The same numbers: whoever reads features reads maps one behind the other."""
        return self.results[step.inputs[0]]

    def relu(self, step: Step, number: int) -> Operation:
        (source,) = step.inputs
        before = self.results[source]
        if self.readers[source] == 1 and isinstance(before.work, Convolution | Linear | Pooling | Pointwise):
            return replace(before, is_positive=True)
        return Operation(Pointwise(not self.is_map(number)), self.shape(number), before, is_positive=True)

    def _add(self, unit: Unit, step: Step) -> Operation:
        if unit.shortcut is not None:
            return self._block(unit, unit.shortcut, step)
        left, right = step.inputs
        require(self.network.shapes[left] == self.network.shapes[right])
        for source, added in ((right, left), (left, right)):
            before, other = self.results[source], self.results[added]
            if self._takes_residual(source) and before.shape == other.shape:
                return replace(before, residual=Residual(other))
        work = Pointwise(not self.is_map(unit.number))
        return Operation(work, self.shape(unit.number), self.results[left], residual=Residual(self.results[right]))

    def _takes_residual(self, number: int) -> bool:
        """Whether a result is that of a convolution that can still add something to it."""
        made = self.results[number]
        is_free = self.readers[number] == 1 and made.residual is None and not made.is_positive
        return is_free and isinstance(made.work, Convolution)

    def _block(self, unit: Unit, shortcut: Shortcut, step: Step) -> Operation:
        """The sum of a map and a shortcut, in the convolution that makes the map."""
        (source,) = (number for number in step.inputs if number not in unit.numbers)
        before, other = self.results[source], self.results[shortcut.source]
        # The kernels repeat nothing: a shortcut of one pixel that torch adds to all is torch's.
        require(self.is_map(source) and self.network.shapes[source] == self.network.shapes[unit.numbers[-2]])
        residual = Residual(other, shortcut.stride, shortcut.first)
        if self._takes_residual(source):
            return replace(before, residual=residual)
        return Operation(Pointwise(), before.shape, before, residual=residual)


def require(fits: bool) -> None:
    """Raises where the kernels cannot compute a step."""
    if not fits:
        raise _NotNativeError


def _pair(step: Step, letter: str, default: int) -> Sides:
    rows, columns = step.integers(letter, 2, default)
    return rows, columns


_LOWERINGS: dict[str, Callable[[_Lowering, Step, int], Operation]] = {
    "conv": _Lowering.conv,
    "linear": _Lowering.linear,
    "max_pool": _Lowering.pool,
    "avg_pool": _Lowering.pool,
    "adaptive_avg_pool": _Lowering.adaptive_pool,
    "mean": _Lowering.mean,
    "flatten": _Lowering.flatten,
    "relu": _Lowering.relu,
}
