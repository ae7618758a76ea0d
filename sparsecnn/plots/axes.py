"""Axes that several figures share: bytes, densities and accuracies, with ticks that can be read."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
MOST_TICKS = 8
GAP_POINTS = 5.0


class LogTicks(NamedTuple):
    """A logarithmic axis: its ends and ticks in data units, the text of the ticks, their unit."""

    low: float
    high: float
    positions: tuple[float, ...]
    labels: tuple[str, ...]
    unit: str


def memory_ticks(low_bytes: float, high_bytes: float) -> LogTicks:
    """Ticks at powers of two around [`low_bytes`, `high_bytes`], both positive.

    The unit is that of the middle of the axis. Less than three octaves get a tick at 1.5 times each
    power as well, many octaves only each second, third ... power. There are 2 to 9 ticks.
    """
    octaves = math.log2(high_bytes / low_bytes)
    margin = max(0.06 * octaves, (2 - octaves) / 2, 0.1)
    low, high = low_bytes * 2**-margin, high_bytes * 2**margin
    unit = next((name for name in reversed(UNITS) if math.sqrt(low * high) >= UNITS[name]), "B")
    whole = range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)
    stride = math.ceil(math.log2(high / low) / MOST_TICKS)
    mantissas = (1.0, 1.5) if math.log2(high / low) < 3 else (1.0,)
    powers = (power for power in whole if power % stride == 0)
    ticks = (mantissa * 2.0**power for power in powers for mantissa in mantissas)
    positions = tuple(tick for tick in ticks if low <= tick <= high)
    return LogTicks(low, high, positions, tuple(f"{t / UNITS[unit]:g}" for t in positions), unit)


def count_ticks(low: float, high: float) -> LogTicks:
    """Ticks at 1, 2 and 5 times the powers of ten around counts in [`low`, `high`], in millions."""
    decades = math.log10(high / low)
    margin = max(0.06 * decades, (0.7 - decades) / 2)
    low, high = low * 10**-margin, high * 10**margin
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    positions = tuple(tick for power in powers for digit in (1, 2, 5) if low <= (tick := digit * 10.0**power) <= high)
    return LogTicks(low, high, positions, tuple(f"{tick / 1e6:g}" for tick in positions), "millions")


def density_ticks(low: float, high: float) -> LogTicks:
    """Ticks at 1, 2 and 5 times the powers of ten around densities in [`low`, `high`], in percent.

    More than three decades keep the powers only.
    """
    decades = math.log10(high / low)
    margin = max(0.06 * decades, (0.7 - decades) / 2)
    low, high = low * 10**-margin, high * 10**margin
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1, 2, 5) if decades <= 3 else (1,)
    ticks = (digit * 10.0**power for power in powers for digit in digits)
    positions = tuple(tick for tick in ticks if low <= tick <= high and tick < 1.0001)
    return LogTicks(low, high, positions, tuple(f"{100 * t:.4g}" for t in positions), "%")


def set_log_ticks(axes: Axes, ticks: LogTicks, label: str) -> None:
    """Make the x axis of `axes` logarithmic with exactly `ticks`, their unit after `label`."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(ticks.low, ticks.high)
    axes.xaxis.set_major_locator(FixedLocator(ticks.positions))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks.positions, ticks.labels)
    axes.set_xlabel(f"{label} ({ticks.unit})")


def accuracy_floor(accuracies: npt.NDArray[np.float64], notable: npt.NDArray[np.bool_]) -> float:
    """The lowest of the `accuracies` (percent, some may be NaN) that an axis should show.

    Collapsed candidates must not flatten the picture. Left out is what lies further below the
    median than three times the way from the median up to the best (at least three points); the
    `notable` ones are kept for as long as, going down, none follows after a gap that is both above
    five points and wider than everything above it. This project's choice.
    """
    known = np.isfinite(accuracies)
    values = accuracies[known]
    best, middle = float(values.max()), float(np.median(values))
    lowest = float(values[values >= middle - 3 * max(best - middle, 1.0)].min())
    reached = best
    for value in sorted(values[notable[known]], reverse=True):
        if reached - value > max(GAP_POINTS, best - reached):
            break
        reached = float(value)
    return min(lowest, reached)


def accuracy_limits(low: float, high: float) -> tuple[float, float]:
    """Ends of an accuracy axis that holds [`low`, `high`] with room at both, ending near 100."""
    span = max(high - low, 1.0)
    return low - 0.12 * span, min(high + 0.08 * span, 100 + 0.02 * span)
