"""What the C kernels compute, one operation each: a graph in which every operation knows where its inputs come from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.storage import SparseWeight

Shape = tuple[int, int, int]
Sides = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """What a convolution or a pool slides over its input: rows, then columns."""

    kernel: Sides
    stride: Sides
    padding: Sides
    dilation: Sides = (1, 1)


@dataclass(frozen=True)
class Input:
    """A tensor from outside, the image or what torch has computed; `number` counts the tensors of a stretch."""

    number: int


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with a weight [outputs, inputs / groups, rows, columns] of which nonzeros alone are known."""

    weight: SparseWeight
    bias: NDArray[np.float32]
    window: Window
    groups: int


@dataclass(frozen=True, eq=False)
class Linear:
    """An inner product with a weight [outputs, features] of which nonzeros alone are known."""

    weight: SparseWeight
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class Pooling:
    """The maximum of each window, or its mean, to which padding counts if `counts_padding`."""

    window: Window
    is_max: bool
    counts_padding: bool = True


@dataclass(frozen=True)
class Mean:
    """The mean of each channel."""


@dataclass(frozen=True)
class Pointwise:
    """The sum with another map or ReLU, on their own; `is_flat` for features, whatever the shapes of their maps."""

    is_flat: bool = False


Work = Input | Convolution | Linear | Pooling | Mean | Pointwise


@dataclass(frozen=True, eq=False)
class Operation:
    """A result of `shape` [C, H, W], features being [1, 1, K]; only an Input has no source."""

    work: Work
    shape: Shape
    source: "Operation | None" = None
    is_positive: bool = False  # ReLU at the end
    residual: "Residual | None" = None

    @property
    def read(self) -> "Operation":
        """The source of an operation that has one."""
        assert self.source is not None
        return self.source

    @property
    def sources(self) -> "list[Operation]":
        """All that it reads."""
        added = [self.residual.operation] if self.residual else []
        return [*([self.source] if self.source else []), *added]


@dataclass(frozen=True, eq=False)
class Residual:
    """What is added before the ReLU: every `stride`-th pixel of a map, to the channels from `first` on."""

    operation: Operation
    stride: int = 1
    first: int = 0
