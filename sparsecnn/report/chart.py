"""Panels of a page: data to places in a drawing of WIDTH by HEIGHT units, which the template draws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from matplotlib.ticker import MaxNLocator

from sparsecnn.plots.axes import LogTicks

WIDTH, HEIGHT = 520, 350
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 34, 46
MOST_TICKS = 6
FEW_DECADES = 4


@dataclass(frozen=True)
class Scale:
    """A value of the data to a place between `start` and `end`; logarithmic for positive ends only."""

    low: float
    high: float
    start: float
    end: float
    is_logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place, to a tenth of a unit."""
        low, high, at = (math.log(x) if self.is_logarithmic else x for x in (self.low, self.high, value))
        return round(self.start + (at - low) / ((high - low) or 1.0) * (self.end - self.start), 1)


@dataclass(frozen=True)
class Tick:
    """A place on an axis and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A path through `points` ("x,y x,y"), in the look of the curve of that number."""

    points: str
    curve: int


@dataclass(frozen=True)
class Mark:
    """A network at a place; `kind` is how it is drawn, `network` its number on the page, `text` what it says."""

    x: float
    y: float
    kind: str
    curve: int
    network: int
    text: str


@dataclass(frozen=True)
class Panel:
    """One drawing with both axes; `rules` are vertical lines, `note` a remark in its lower right corner."""

    name: str
    title: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line]
    marks: Sequence[Mark]
    rules: Sequence[Tick] = ()
    note: str = ""


def x_scale(low: float, high: float, *, is_logarithmic: bool = False) -> Scale:
    """From the left to the right end of a panel."""
    return Scale(low, high, LEFT, WIDTH - RIGHT, is_logarithmic)


def y_scale(low: float, high: float, *, is_logarithmic: bool = False) -> Scale:
    """From the bottom to the top of a panel."""
    return Scale(low, high, HEIGHT - BOTTOM, TOP, is_logarithmic)


def log_ticks(scale: Scale, ticks: LogTicks) -> list[Tick]:
    """The ticks of a figure of `plots`, on this scale."""
    return [Tick(scale(at), text) for at, text in zip(ticks.positions, ticks.labels, strict=True)]


def linear_ticks(scale: Scale) -> list[Tick]:
    """Ticks at round values."""
    values = MaxNLocator(MOST_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(scale.low, scale.high)
    return [Tick(scale(value), f"{value:.6g}") for value in values if scale.low <= value <= scale.high]


def decade_ticks(scale: Scale) -> list[Tick]:
    """Ticks of a logarithmic scale at 1, 2 and 5 times powers of ten, or at so many powers as can be read."""
    low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    digits, stride = ((1, 2, 5), 1) if high - low <= FEW_DECADES else ((1,), math.ceil((high - low) / MOST_TICKS))
    values = [digit * 10.0**power for power in range(low, high + 1, stride) for digit in digits]
    return [Tick(scale(value), f"{value:g}") for value in values if scale.low <= value <= scale.high]


def joined(places: Sequence[tuple[float, float]]) -> str:
    """Places as the text of a path."""
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def stairs(places: Sequence[tuple[float, float]]) -> str:
    """Places as steps: each height holds until the next place."""
    corners = [[before, (after[0], before[1])] for before, after in pairwise(places)]
    return joined([*chain(*corners), *places[-1:]])
