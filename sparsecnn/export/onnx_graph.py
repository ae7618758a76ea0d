"""A graph of ONNX before it is one: nodes and constants, so that steps can be written without the package onnx."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsecnn.export.parts import Parts, Shape
from sparsecnn.programs import Step


@dataclass(frozen=True)
class Node:
    """An operator with one result."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


@dataclass
class Graph:
    """What the steps have added so far; `weights` are the layers whose weights are used."""

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """The name of the result of a new node."""
        self.nodes.append(Node(operator, tuple(inputs), output, attributes))
        return output

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """The name of a constant, which may be there already."""
        self.constants[name] = value
        return name


@dataclass(frozen=True)
class Call:
    """A step, and the names of what it reads and of its result."""

    number: int
    step: Step
    parts: Parts
    inputs: tuple[str, ...]
    output: str

    @property
    def input_shape(self) -> Shape:
        """The shape of the first input."""
        return self.parts.shapes[self.step.inputs[0]]

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.parts.shapes[self.number]

    def name(self, what: str) -> str:
        """A name for something that belongs to this step alone."""
        return f"step{self.number}.{what}"
