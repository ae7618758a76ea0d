"""A convolution along one direction: which inputs an output reads, and which outputs an input reaches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """Output `y` reads input `y * stride + k * dilation - padding` through place `k` of the kernel.

    The inputs that are `phase` modulo the stride are read through the same places: input `phase + n * stride` reaches
    output `n + shift(k, phase)`, for each `k` that has the phase.
    """

    kernel: int
    stride: int
    padding: int
    dilation: int
    size: int

    @property
    def reach(self) -> int:
        """How many inputs the kernel spans."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def results(self) -> int:
        """How many outputs there are; none, or a negative number, where the kernel is larger than the input."""
        return (self.size + 2 * self.padding - self.reach) // self.stride + 1

    def length(self, places: int) -> int:
        """Of a tile of inputs from which outputs are computed so many at once, the last perhaps beyond the end."""
        return max(self.padding + self.size, (_rounded_up(self.results, places) - 1) * self.stride + self.reach)

    def inputs(self, phase: int) -> int:
        """How many inputs have the phase."""
        return len(range(phase, self.size, self.stride))

    def has_phase(self, k: Numbers, phase: int) -> NDArray[np.bool_]:
        """Whether inputs of that phase are read through `k`."""
        return np.equal((phase + self.padding - k * self.dilation) % self.stride, 0)

    def shift(self, k: Numbers, phase: int) -> Numbers:
        """The output that input `phase` reaches through `k`, which may lie before the first."""
        return (phase + self.padding - k * self.dilation) // self.stride

    @property
    def before(self) -> int:
        """Zeros before the first output in a tile of outputs."""
        return max([0, *(-shift for _, shift in self._shifts())])

    def length_back(self, places: int) -> int:
        """Of a tile of outputs from which the gradients of inputs are computed so many at once."""
        ends = (_rounded_up(self.inputs(phase), places) + shift for phase, shift in self._shifts())
        return self.before + max([self.results, *ends])

    def _shifts(self) -> list[tuple[int, int]]:
        k = np.arange(self.kernel)
        phases = range(self.stride)
        return [(phase, int(s)) for phase in phases for s in self.shift(k[self.has_phase(k, phase)], phase)]


def _rounded_up(count: int, unit: int) -> int:
    return -(-count // unit) * unit
