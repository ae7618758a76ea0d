"""Figure 5 of Collins & Kohli: l0-bounded training against thresholding afterwards."""

import json
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from sparsecnn.frontier import finished, require_columns
from sparsecnn.plots import axes as plot_axes
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.plots.means import ASIDE_TEXT, aside, draw_line, seeds_text
from sparsecnn.plots.regularizers import named

L0 = "l0_projection"
# Neighbouring lines are moved apart by this share of a density, so that error bars do not hide each other. Less where
# lines are steep: a step aside would look like one up.
ASIDE = {"test_accuracy": 0.015, "l0_ahead_points": 0.045}
COLUMNS = [
    "run",
    "key",
    "phase",
    "seed",
    "nonzeros",
    "weights",
    "budgets",
    "regularizer",
    "allocation",
    "val_accuracy",
    "test_accuracy",
]
LEVEL_COLUMNS = ("allocation", "budgets", "nonzeros", "weights", "run")
LINEAR_POINTS = 10.0  # differences beyond this hide those of one point on a linear axis


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation over seeds for each regularizer and density, in percent.

    Rows are repetitions of one another when regularizer, allocation and the sum of the budgets agree (an allocation may
    share it out otherwise under every seed); where budgets bind nothing (l1, none), when regularizer and run agree.
    `l0_ahead_points` is the test accuracy of l0 projection minus that of the row's regularizer at the same allocation,
    sum and seed, over `pairs` seeds. A deviation of one seed is NaN. ValueError when there is no finished row of phase
    train, or when two different rows share regularizer, allocation, sum and seed.
    """
    rows = _repetitions(table)
    l0 = rows[rows["regularizer"] == L0].set_index(["level", "seed"])["test_accuracy"]
    rows = rows.join(l0.rename("l0_accuracy"), on=["level", "seed"])
    ahead = rows["l0_accuracy"] - rows["test_accuracy"]
    rows = rows.assign(ahead=ahead.where(rows["regularizer"] != L0))
    summary = rows.groupby(["regularizer", "level"], sort=False).agg(
        density=("density", "mean"),
        nonzeros=("nonzeros", "mean"),
        seeds=("seed", "size"),
        val_accuracy=("val_accuracy", "mean"),
        val_accuracy_deviation=("val_accuracy", "std"),
        test_accuracy=("test_accuracy", "mean"),
        test_accuracy_deviation=("test_accuracy", "std"),
        l0_ahead_points=("ahead", "mean"),
        l0_ahead_points_deviation=("ahead", "std"),
        pairs=("ahead", "count"),
    )
    summary = summary.reset_index().drop(columns="level")
    return summary.sort_values(["regularizer", "density"], ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Test accuracy against density for each regularizer, and how far l0 projection is ahead.

    The right panel pairs networks of equal budgets and seed; it is left out when l0 projection has
    nothing to be compared with. ValueError as for `numbers`.
    """
    summary = numbers(table)
    names = named(summary["regularizer"])
    pairs = summary[summary["pairs"] > 0]
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES if len(pairs) else 4.6, 3.6))
        grid = figure.subplots(1, 2 if len(pairs) else 1, squeeze=False)[0]
        _draw_lines(grid[0], summary, "test_accuracy", names)
        grid[0].set_title("Test")
        grid[0].set_ylabel("test accuracy (%)")
        if len(pairs):
            _draw_lines(grid[1], pairs, "l0_ahead_points", names)
            _mark_zero(grid[1], pairs)
        style.add_legend(figure, grid[0].get_legend_handles_labels()[0])
        style.add_caption(figure, about(table) + _caption(summary))
    return figure


def _repetitions(table: pd.DataFrame) -> pd.DataFrame:
    require_columns(table, COLUMNS)
    rows = finished(table)[COLUMNS]
    rows = rows[(rows["phase"] == "train") & rows["test_accuracy"].notna() & (rows["nonzeros"] > 0)]
    if rows.empty:
        raise ValueError(
            "the thresholding figure needs a finished row of phase train with a test accuracy, "
            f"got none in {len(table)} rows"
        )
    rows = rows.drop_duplicates("key").astype({"val_accuracy": float, "test_accuracy": float})
    rows = rows.assign(
        density=rows["nonzeros"] / rows["weights"],
        level=[_level(*facts) for facts in zip(*(rows[c] for c in LEVEL_COLUMNS), strict=True)],
    )
    twice = rows[rows.duplicated(["regularizer", "level", "seed"])]
    if len(twice):
        raise ValueError(
            "one row for each regularizer, allocation and seed is needed, got two of "
            f"{twice['regularizer'].iloc[0]} with seed {twice['seed'].iloc[0]}: plot fewer runs"
        )
    return rows


def _level(allocation: str, budgets: str, nonzeros: int, weights: int, run: str) -> str:
    allowed: int = sum(json.loads(budgets).values())
    binding = nonzeros <= allowed < weights
    return f"{allocation} {allowed}" if binding else f"run {run}"


def _draw_lines(axes: Axes, summary: pd.DataFrame, column: str, names: Mapping[str, str]) -> None:
    for position, (name, label) in enumerate(names.items()):
        rows = summary[summary["regularizer"] == name]
        if rows.empty:
            continue
        places = rows["density"] * aside(position, len(names), ASIDE[column])
        draw_line(axes, rows, places, column, position, label)
    ticks = plot_axes.density_ticks(summary["density"].min(), summary["density"].max())
    plot_axes.set_log_ticks(axes, ticks, "density: nonzeros of all weights")


def _mark_zero(axes: Axes, pairs: pd.DataFrame) -> None:
    axes.axhline(0, color=style.GREY, lw=1.0, zorder=1)
    axes.set_title("Difference at equal budgets and seed")
    axes.set_ylabel("l0 projection ahead (points)")
    if not _is_wide(pairs):
        return
    deviation = pairs["l0_ahead_points_deviation"].fillna(0)
    low = float((pairs["l0_ahead_points"] - deviation).min())
    high = float((pairs["l0_ahead_points"] + deviation).max())
    axes.set_yscale("symlog", linthresh=1.0, linscale=0.7)
    axes.set_ylim(min(-1.0, 1.3 * low), max(1.0, 1.3 * high))
    ticks = [sign * step for step in (1, 2, 5, 10, 20, 50, 100) for sign in (-1, 1)]
    shown = [tick for tick in ticks if min(-1.0, 1.3 * low) <= tick <= max(1.0, 1.3 * high)]
    axes.set_yticks([0, *shown], ["0", *(f"{tick:+d}".replace("-", "\N{MINUS SIGN}") for tick in shown)])
    axes.yaxis.set_minor_locator(NullLocator())


def _is_wide(pairs: pd.DataFrame) -> bool:
    return bool(pairs["l0_ahead_points"].abs().max() > LINEAR_POINTS)


def _caption(summary: pd.DataFrame) -> str:
    text = f"{seeds_text(summary)} {ASIDE_TEXT}"
    if _is_wide(summary):
        text += " Differences: linear within 1 point, logarithmic beyond."
    return text
