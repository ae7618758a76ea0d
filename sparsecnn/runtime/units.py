"""A program cut into units, the steps that C or torch compute together."""

from collections import Counter
from dataclasses import dataclass

from sparsecnn.programs import Program, Step


@dataclass(frozen=True)
class Shortcut:
    """Every `stride`-th pixel of result `source`, as the channels from `first` on: a ResNet's shortcut, option A."""

    source: int
    stride: int
    first: int


@dataclass(frozen=True)
class Unit:
    """Steps by number, ascending; the last one's result is the unit's, and nothing else reads the others.

    `shortcut` is one of the two maps that an addition adds, where all further steps belong to it.
    """

    numbers: tuple[int, ...]
    shortcut: Shortcut | None = None

    @property
    def number(self) -> int:
        """Of its result."""
        return self.numbers[-1]


def readers_of(program: Program) -> Counter[int]:
    """How often each result is read."""
    return Counter(source for step in program.steps for source in step.inputs)


def units_of(program: Program) -> list[Unit]:
    """All steps, those of a shortcut in the unit of the addition that reads it."""
    readers = readers_of(program)
    units = [_unit(program, readers, number) for number in range(1, len(program.steps) + 1)]
    inner = {number for unit in units for number in unit.numbers[:-1]}
    return [unit for unit in units if unit.number not in inner]


def sources_of(program: Program, unit: Unit) -> list[int]:
    """The results that a unit reads, in the order in which its steps name them."""
    inner = set(unit.numbers)
    read = [source for number in unit.numbers for source in program.steps[number - 1].inputs]
    return [source for source in dict.fromkeys(read) if source not in inner]


def _unit(program: Program, readers: Counter[int], number: int) -> Unit:
    step = program.steps[number - 1]
    if step.operation == "add":
        for source in step.inputs[::-1]:
            found = _shortcut(program, readers, source)
            if found is not None and source != number:
                numbers, shortcut = found
                return Unit((*numbers, number), shortcut)
    return Unit((number,))


def _shortcut(program: Program, readers: Counter[int], number: int) -> tuple[tuple[int, ...], Shortcut] | None:
    """The steps slice, slice, pad that end with `number`, if it is a shortcut that nothing else reads."""
    steps = program.steps
    chain = [number]
    while len(chain) < 3 and chain[0] > 0:
        chain.insert(0, steps[chain[0] - 1].inputs[0])
    if chain[0] < 1 or [steps[at - 1].operation for at in chain] != ["slice", "slice", "pad"]:
        return None
    rows, columns, pad = (steps[at - 1] for at in chain)
    strides = {_stride(rows, 2), _stride(columns, 3)}
    first = _first_channel(pad)
    if len(strides) > 1 or None in strides or first is None or any(readers[at] != 1 for at in chain):
        return None
    (stride,) = strides
    assert stride is not None
    return tuple(chain), Shortcut(rows.inputs[0], stride, first)


def _stride(step: Step, dimension: int) -> int | None:
    """The stride of a slice along `dimension` that leaves nothing else out."""
    is_whole = step.integers("d", 1, 1) == [dimension] and step.integers("f", 1, 0) == [0] and "t" not in step.options
    (stride,) = step.integers("s", 1, 1)
    return stride if is_whole and stride >= 1 else None


def _first_channel(step: Step) -> int | None:
    """How many channels a padding of channels alone adds in front."""
    padding = step.options.get("p", ())
    if len(padding) != 6 or any(padding[:4]) or not all(isinstance(side, int) and side >= 0 for side in padding):
        return None
    return int(padding[4])
