"""Steps that are computed together, channel by channel, so that what is between them takes one plane and no map.

Row c of a convolution gives channel c of its result; what follows it (an activation, a pooling, the addition of a
map that exists already) needs nothing but that channel, as long as nothing else reads what is between.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from sparsecnn.export.parts import Parts, Shape
from sparsecnn.programs import Step

ACTIVATIONS = frozenset({"relu", "clamp", "leaky_relu", "sigmoid", "tanh", "silu", "gelu", "hardswish", "hardsigmoid"})
UNARY = ACTIVATIONS | {"round", "shift", "scale", "power", "batch_norm"}
BINARY = frozenset({"add", "subtract", "multiply", "divide"})
ELEMENTWISE = UNARY | BINARY
# Operations that read an element more than once, or not in order: their result cannot be where their input is.
POOLINGS = frozenset({"max_pool", "avg_pool", "adaptive_avg_pool", "mean"})
LAYERS = frozenset({"conv", "linear"})


@dataclass(frozen=True)
class Stage:
    """The numbers of steps that follow each other."""

    numbers: tuple[int, ...]

    @property
    def first(self) -> int:
        """The step that begins it."""
        return self.numbers[0]

    @property
    def last(self) -> int:
        """The step whose result exists when the stage is over."""
        return self.numbers[-1]


def channels(shape: Shape) -> int:
    """C of [N, C, ...]."""
    return shape[1]


def area(shape: Shape) -> int:
    """The elements of one channel."""
    return prod(shape[2:])


def elements(shape: Shape) -> int:
    """The elements of one image's map."""
    return prod(shape[1:])


def stages_of(parts: Parts) -> list[Stage]:
    """The program cut into stages, in order."""
    readers = Counter(source for step in parts.program.steps for source in step.inputs)
    readers[len(parts.program.steps)] += 1
    groups: list[list[int]] = []
    for number, step in parts.steps():
        if groups and readers[number - 1] == 1 and _continues(groups[-1], number, step, parts):
            groups[-1].append(number)
        else:
            groups.append([number])
    return [Stage(tuple(group)) for group in groups]


def _continues(group: Sequence[int], number: int, step: Step, parts: Parts) -> bool:
    head = parts.program.steps[group[0] - 1].operation
    if head not in LAYERS | POOLINGS | ELEMENTWISE or not is_by_channel(number, parts):
        return False
    others = [source for source in step.inputs if source != number - 1]
    same_channels = channels(parts.shapes[number]) == channels(parts.shapes[number - 1])
    return len(others) < len(step.inputs) and all(source < group[0] for source in others) and same_channels


def is_depthwise(number: int, parts: Parts) -> bool:
    """Whether a step is a convolution whose result needs, for each channel, that channel alone."""
    step = parts.program.steps[number - 1]
    before, after = (channels(parts.shapes[at]) for at in (step.inputs[0], number))
    return step.operation == "conv" and before == after == step.integers("g", 1, 1)[0]


def is_by_channel(number: int, parts: Parts) -> bool:
    """Whether each channel of a step's result needs that channel of its inputs alone."""
    operation = parts.program.steps[number - 1].operation
    return operation in POOLINGS | ELEMENTWISE or is_depthwise(number, parts)


def changes_area(number: int, stage: Stage, parts: Parts) -> bool:
    """Whether a step of `stage` needs a place of its own for its result."""
    step = parts.program.steps[number - 1]
    if number == stage.first or step.operation in POOLINGS | LAYERS:
        return True
    return area(parts.shapes[number]) != area(parts.shapes[number - 1])
