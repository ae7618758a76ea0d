"""Programs drawn at random, with values: branches, odd shapes, operations that C knows and others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from torch import Tensor

from sparsecnn.programs import Program, ProgramModule, Step, check_program, other_sizes
from sparsecnn.runtime import SparseNetwork
from sparsecnn.storage import SparseWeight

Options = dict[str, tuple[float, ...]]


def sparse_weight(weight: Tensor) -> SparseWeight:
    flat = weight.reshape(-1).numpy()
    positions = np.flatnonzero(flat).astype(np.int32)
    return SparseWeight(tuple(weight.shape), positions, flat[positions])


def values_of(program: Program, weights: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """All other values, those of normalisations positive."""
    sizes = other_sizes(program, {name: tuple(weight.shape) for name, weight in weights.items()})
    return {name: torch.rand(size, generator=generator) + 0.25 for name, size in sizes.items()}


def both(
    program: Program, weights: dict[str, Tensor], others: dict[str, Tensor], shape: tuple[int, ...]
) -> tuple[SparseNetwork, ProgramModule]:
    """The network under test and its reference, which computes in float64."""
    values = {**{f"{name}.weight": weight for name, weight in weights.items()}, **others}
    reference = ProgramModule(program, {name: value.double() for name, value in values.items()})
    return SparseNetwork(program, {name: sparse_weight(w) for name, w in weights.items()}, others, shape), reference


@dataclass
class RandomProgram:
    """Draws steps one by one and keeps those that fit what is there."""

    random: np.random.Generator
    shape: tuple[int, int, int]
    steps: list[Step] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shapes = [(1, *self.shape)]

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def source(self) -> int:
        maps = [number for number, shape in enumerate(self.shapes) if len(shape) == 4]
        return maps[-1] if self.chance(0.7) else int(self.random.choice(maps))

    def add(self, *steps: Step, weight: Tensor | None = None) -> bool:
        weights = {**self.weights, **({f"layer{len(self.weights)}": weight} if weight is not None else {})}
        try:
            shapes = check_program(
                Program((*self.steps, *steps)), {name: tuple(w.shape) for name, w in weights.items()}, self.shape
            )
        except ValueError:
            return False
        if any(prod(shape) > 30_000 or prod(shape) < 1 for shape in shapes):
            return False
        self.steps += steps
        self.weights, self.shapes = weights, shapes
        return True

    def pair(self, *choices: int) -> tuple[int, int]:
        rows, columns = (int(side) for side in self.random.choice(choices, 2))
        return (rows, rows) if self.chance(0.7) else (rows, columns)

    def conv(self) -> None:
        source = self.source()
        channels = self.shapes[source][1]
        groups = int(self.random.choice([g for g in (1, 1, 2, 3) if channels % g == 0]))
        outputs, kernel = groups * int(self.random.integers(1, 7)), self.pair(1, 2, 3, 3, 5, 7, 11)
        padding = tuple(int(self.random.integers(0, side // 2 + 2)) for side in kernel)
        options: Options = {"s": self.pair(1, 1, 1, 2, 2, 3), "p": padding, "d": self.pair(1, 1, 1, 2), "g": (groups,)}
        options |= {"b": ()} if self.chance(0.7) else {}
        if self.chance(0.4):  # a shape that can be added to the source
            options, outputs = {"p": tuple((side - 1) // 2 for side in kernel), "b": ()}, channels
        groups = int(options.get("g", (1,))[0])
        step = Step("conv", (source,), f"layer{len(self.weights)}", options)
        self.add(step, weight=self.weight(outputs, channels // groups, *kernel))

    def weight(self, *shape: int) -> Tensor:
        weight = self.random.normal(size=shape) * (
            self.random.random(shape) < self.random.choice([0, 0.02, 0.1, 0.5, 1])
        )
        return torch.from_numpy(weight).float() / max(prod(shape[1:]), 1) ** 0.5

    def pool(self) -> None:
        kernel = self.pair(2, 3, 3, 4)
        padding = tuple(int(self.random.integers(0, side // 2 + 1)) for side in kernel)
        options: Options = {"k": kernel, "s": self.pair(1, 2, 2, 3), "p": padding}
        options |= {"c": ()} if self.chance(0.5) else {}
        is_max = self.chance(0.5)
        options |= {"x": ()} if not is_max and self.chance(0.5) else {}
        self.add(Step("max_pool" if is_max else "avg_pool", (self.source(),), None, options))

    def relu(self) -> None:
        self.add(Step("relu", (len(self.steps) if self.chance(0.8) else self.source(),)))

    def sum(self) -> None:
        last = len(self.steps)
        alike = [number for number, shape in enumerate(self.shapes) if shape == self.shapes[last]]
        self.add(
            Step("add", tuple(int(number) for number in self.random.permutation([last, self.random.choice(alike)])))
        )

    def block(self) -> None:
        """A shortcut of option A and a convolution that it is added to."""
        source, stride, more = self.source(), int(self.random.choice([1, 2, 2, 3])), int(self.random.integers(0, 3))
        channels, at = self.shapes[source][1], len(self.steps)
        conv = Step("conv", (source,), f"layer{len(self.weights)}", {"s": (stride,), "p": (1,)})
        shortcut = [
            Step("slice", (source,), None, {"d": (2,), "s": (stride,)}),
            Step("slice", (at + 2,), None, {"d": (3,), "s": (stride,)}),
            Step("pad", (at + 3,), None, {"p": (0, 0, 0, 0, more, more)}),
        ]
        weight = self.weight(channels + 2 * more, channels, 3, 3)
        self.add(conv, *shortcut, Step("add", (at + 1, at + 4)), weight=weight)

    def other(self) -> None:
        source = self.source()
        kinds = ["hardswish", "leaky_relu", "cat", "local_response_norm", "batch_norm", "transposed", "flip"]
        kind = str(self.random.choice(kinds))
        if kind == "cat":
            alike = [
                n for n, shape in enumerate(self.shapes) if shape[2:] == self.shapes[source][2:] and len(shape) == 4
            ]
            self.add(Step("cat", (source, int(self.random.choice(alike)))))
        elif kind == "batch_norm":
            self.add(Step("batch_norm", (source,), f"norm{len(self.steps)}", {"n": (self.shapes[source][1],)}))
        elif kind == "transposed":
            weight = self.weight(self.shapes[source][1], int(self.random.integers(1, 6)), 3, 3)
            self.add(Step("conv", (source,), f"layer{len(self.weights)}", {"t": (), "p": (1,)}), weight=weight)
        elif kind != "flip":
            self.add(Step(kind, (source,), None, {"a": (0.25,)} if kind == "leaky_relu" else {}))

    def end(self) -> None:
        how = self.random.choice(["mean", "adaptive", "flatten"])
        source = self.source()
        if how == "mean":
            self.add(Step("mean", (source,)))
        elif how == "adaptive":
            self.add(Step("adaptive_avg_pool", (source,), None, {"o": (1,)}))
        if len(self.shapes[-1]) != 2:
            self.add(Step("flatten", (len(self.steps),)))
        for _ in range(int(self.random.integers(0, 3))):
            step = Step("linear", (len(self.steps),), f"layer{len(self.weights)}", {"b": ()})
            self.add(step, weight=self.weight(int(self.random.integers(1, 20)), self.shapes[-1][1]))
            if self.chance(0.5):
                self.add(Step("relu", (len(self.steps),)))
        if self.chance(0.2):
            self.sum()


def random_program(
    seed: int, *, steps: int = 8
) -> tuple[Program, dict[str, Tensor], dict[str, Tensor], tuple[int, ...]]:
    """Program, weights, other values and the shape of its images."""
    random = np.random.default_rng(seed)
    made = RandomProgram(random, (int(random.integers(1, 7)), int(random.integers(3, 36)), int(random.integers(3, 36))))
    kinds: list[Callable[[], None]] = [made.conv] * 5 + [
        made.pool,
        made.relu,
        made.relu,
        made.sum,
        made.block,
        made.other,
    ]
    for _ in range(int(random.integers(1, steps + 1))):
        kinds[int(random.integers(len(kinds)))]()
    made.end()
    program = Program(tuple(made.steps))
    others = values_of(program, made.weights, torch.Generator().manual_seed(seed))
    return program, made.weights, others, made.shape
