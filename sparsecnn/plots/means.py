"""Accuracies as means over seeds with their deviations, validation beside test."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sparsecnn.plots import style

PANELS = {"val_accuracy": "Validation", "test_accuracy": "Test"}
MARKERS = "osD^vP<X"
# What the rows of a point share.
SAME = ("model", "data")
# Neighbouring lines at one place are moved apart by this share of it, so that error bars do not hide each other.
ASIDE = 0.03
ASIDE_TEXT = "Points are moved slightly sideways so that none hides another."
# Room beside the outermost places, as a factor.
MARGIN = 1.25


def means(rows: pd.DataFrame, by: Sequence[str], columns: Sequence[str] = tuple(PANELS)) -> pd.DataFrame:
    """Mean and sample standard deviation of `columns` over the rows that agree in `by`, which are one a seed.

    The columns are those of `by`, `seeds`, and of each of `columns` itself and with `_deviation`, NaN for one seed.
    ValueError when two rows agree in `by` and in seed, or rows of one point are of several networks or data sets.
    """
    for name in SAME:
        if name in rows and rows.groupby(list(by))[name].nunique().max() > 1:
            several = ", ".join(sorted(rows[name].dropna().astype(str).unique()))
            raise ValueError(f"a point stands for one {name}, got {several}: plot fewer runs")
    twice = rows[rows.duplicated([*by, "seed"])]
    if len(twice):
        which = ", ".join(f"{name} {twice[name].iloc[0]}" for name in [*by, "seed"])
        raise ValueError(f"one row a point and seed is needed, got two of {which}: plot fewer runs")
    found = {f"{name}{end}": (name, how) for name in columns for end, how in (("", "mean"), ("_deviation", "std"))}
    summary = (
        rows.astype(dict.fromkeys(columns, float)).groupby(list(by), sort=True).agg(seeds=("seed", "size"), **found)
    )
    return summary.reset_index()


def draw_means(summary: pd.DataFrame, *, x: str, line: str, names: Mapping[str, str], x_label: str) -> Figure:
    """Accuracy against the column `x` (logarithmic, a tick a place), a line for each value of the column `line`.

    `names` are the lines in their order, with their names in the legend; the caption is left to the caller.
    """
    panels = [column for column in PANELS if summary[column].notna().any()]
    lines = [value for value in names if (summary[line] == value).any()]
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 3.6))
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, column in zip(grid, panels, strict=True):
            for position, value in enumerate(lines):
                rows = summary[summary[line] == value]
                draw_line(axes, rows, rows[x] * aside(position, len(lines), ASIDE), column, position, names[value])
            axes.set_title(PANELS[column])
            _set_ticks(axes, sorted(summary[x].unique()), x_label)
        grid[0].set_ylabel("accuracy (%)")
        style.add_legend(figure, grid[0].get_legend_handles_labels()[0])
    return figure


def seeds_text(summary: pd.DataFrame) -> str:
    """How many seeds a point stands for, and what its bar is, as the first sentence of a caption."""
    fewest, most = int(summary["seeds"].min()), int(summary["seeds"].max())
    if most == 1:
        return "n = 1 seed a point, so there are no deviations."
    seeds = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"Mean and sample standard deviation over n = {seeds} seeds a point."


def aside(position: int, lines: int, share: float) -> float:
    """The factor by which the places of line number `position` of so many are moved; neighbours differ by `share`."""
    return 1 + share * (position - (lines - 1) / 2)


def draw_line(axes: Axes, rows: pd.DataFrame, places: pd.Series, column: str, position: int, label: str) -> None:
    """One line of means at `places` with bars of their deviations, in the look of number `position`."""
    axes.errorbar(
        places,
        rows[column],
        rows[f"{column}_deviation"],
        color=style.run_look(position)[0],
        ls=style.run_look(position)[1],
        capsize=2,
        marker=MARKERS[position % len(MARKERS)],
        ms=4,
        lw=1.3,
        elinewidth=0.9,
        label=style.shortened(label),
    )


def _set_ticks(axes: Axes, places: Sequence[int], label: str) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlim(places[0] / MARGIN, places[-1] * MARGIN)
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.set_xlabel(label)
