"""Figure 3 of Collins & Kohli: training loss against iteration, over repetitions."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from sparsecnn.frontier import finished, require_columns
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.plots.regularizers import NAMES

COLUMNS = ["run", "key", "phase", "status", "seed", "regularizer", "step", "train_loss"]
# Quantiles over repetitions at the ends of the band.
LOW, HIGH = 0.1, 0.9
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = "osD^vPX"
MARKS = 8  # on each line: they tell lines apart without colours
WIDE = 8.0  # losses further apart than this factor read better on a logarithmic axis


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of the training loss (nats) over the repetitions of each run and regularizer, by step.

    `table` has a row for each step at which a loss was recorded. `window` is how many steps a loss is the mean of, `n`
    the repetitions, each a seed; `low` and `high` are the quantiles 10 % and 90 %, linear between neighbours.
    ValueError when no finished row of phase train has a loss, or when two networks share run, regularizer and seed.
    """
    return _summary(_repetitions(table))


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    losses = rows.groupby(["regularizer", "run", "step"], sort=False)["train_loss"]
    summary = losses.agg(
        n="size",
        median="median",
        low=lambda part: part.quantile(LOW),
        high=lambda part: part.quantile(HIGH),
        lowest="min",
        highest="max",
    ).reset_index()
    summary = summary.sort_values(["regularizer", "run", "step"], key=partial(_in_order, runs=rows["run"]))
    summary = summary.reset_index(drop=True)
    before = summary.groupby(["regularizer", "run"], sort=False)["step"].shift(fill_value=0)
    summary.insert(3, "window", summary["step"] - before)
    return summary


def draw(table: pd.DataFrame) -> Figure:
    """Median and band of the training loss against iteration, a line for each regularizer of each run.

    A column `label` names the lines; without it their regularizers do, with their runs where several have one.
    ValueError as for `numbers`.
    """
    repetitions = _repetitions(table)
    summary = _summary(repetitions)
    lines = [(names, rows) for names, rows in summary.groupby(["regularizer", "run"], sort=False)]
    labels = style.short_names([str(run) for (_, run), _ in lines]) if "label" in table else _labels(summary)
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 4.0))
        axes = figure.subplots()
        for position, ((regularizer, run), rows) in enumerate(lines):
            is_its = (repetitions["regularizer"] == regularizer) & (repetitions["run"] == run)
            for _, repetition in repetitions[is_its].groupby("seed"):
                _draw_repetition(axes, repetition, position)
            _draw_line(axes, rows, position, len(lines))
        _scale(axes, summary)
        axes.set_xlabel("iteration (steps)")
        axes.set_ylabel("training loss (nats)")
        axes.set_xlim(0, float(summary["step"].max()) * 1.01)
        style.add_legend(figure, [_handle(label, position) for position, label in enumerate(labels)])
        style.add_caption(figure, about(table) + _caption(table, summary, labels))
    return figure


def _repetitions(table: pd.DataFrame) -> pd.DataFrame:
    require_columns(table, COLUMNS)
    rows = finished(table)[COLUMNS]
    rows = rows[(rows["phase"] == "train") & rows["train_loss"].notna()].drop_duplicates(["key", "step"])
    if rows.empty:
        raise ValueError(
            "the convergence figure needs a finished row of phase train with losses by steps, "
            f"got none in {len(table)} rows"
        )
    twice = rows[rows.duplicated(["regularizer", "run", "seed", "step"])]
    if len(twice):
        raise ValueError(
            "one network for each run, regularizer and seed is needed, got two of "
            f"{twice['regularizer'].iloc[0]} with seed {twice['seed'].iloc[0]} in {twice['run'].iloc[0]}"
        )
    return rows.astype({"step": int, "train_loss": float})


def _in_order(column: pd.Series, runs: pd.Series) -> pd.Series:
    """The regularizers of the paper first, in its order; runs as they were given."""
    if column.name == "step":
        return column
    if column.name == "run":
        return column.map(list(dict.fromkeys(runs)).index)
    order = [*NAMES, *sorted(set(column) - set(NAMES))]
    return column.map(order.index)


def _labels(summary: pd.DataFrame) -> list[str]:
    """A name for each line: its regularizer, with its run where several have that regularizer."""
    lines = summary.drop_duplicates(["regularizer", "run"])
    runs = dict(zip(lines["run"], style.short_names(list(lines["run"])), strict=True))
    several = lines["regularizer"].duplicated(keep=False)
    return [
        f"{NAMES.get(name, name)}, {runs[run]}" if is_one_of_several else str(NAMES.get(name, name))
        for name, run, is_one_of_several in zip(lines["regularizer"], lines["run"], several, strict=True)
    ]


def _draw_repetition(axes: Axes, rows: pd.DataFrame, position: int) -> None:
    """Thin: a repetition that never learns lies outside the band."""
    colour = style.PALETTE[position % len(style.PALETTE)]
    axes.plot(rows["step"], rows["train_loss"], color=colour, lw=0.4, alpha=0.6, gid="repetition")


def _draw_line(axes: Axes, rows: pd.DataFrame, position: int, lines: int) -> None:
    colour = style.PALETTE[position % len(style.PALETTE)]
    axes.fill_between(rows["step"], rows["low"], rows["high"], color=colour, alpha=0.22, lw=0, gid="band")
    stride = max(1, len(rows) // MARKS)
    first = position * stride // lines  # markers of different lines stand at different steps
    axes.plot(rows["step"], rows["median"], markevery=(first, stride), gid="median", **_look(position))


def _look(position: int) -> dict[str, Any]:
    return {
        "color": style.PALETTE[position % len(style.PALETTE)],
        "ls": LINES[position % len(LINES)],
        "marker": MARKERS[position % len(MARKERS)],
        "ms": 4,
        "mfc": "white",
        "lw": 1.4,
    }


def _handle(label: str, position: int) -> Line2D:
    return Line2D([], [], label=label, **_look(position))


def _scale(axes: Axes, summary: pd.DataFrame) -> None:
    low, high = float(summary["low"].min()), float(summary["high"].max())
    if low <= 0 or high / low <= WIDE:
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _caption(table: pd.DataFrame, summary: pd.DataFrame, labels: list[str]) -> str:
    tried = table[table["phase"] == "train"].drop_duplicates("key")["status"]
    fewest, most = int(summary["n"].min()), int(summary["n"].max())
    repetitions = f"{most}" if fewest == most else f"{fewest} to {most}"
    windows = np.unique(summary["window"])
    steps = f"{windows[0]}" if len(windows) == 1 else f"at most {windows[-1]}"
    ends = summary.groupby(["regularizer", "run"], sort=False).tail(1)
    spans = [
        f"{label}: {low:.3g} to {high:.3g}"
        for label, low, high in zip(labels, ends["lowest"], ends["highest"], strict=True)
    ]
    failed = int((tried == "failed").sum())
    return (
        f"Median (thick line), 10 % to 90 % (band) and each (thin) of n = {repetitions} seeds"
        f"{f'; {failed} failed' if failed else ''}. "
        f"Each point is the mean over {steps} step{'s' * (steps != '1')} as trained, not smoothed otherwise. "
        f"Lowest and highest last points: {'; '.join(spans)}."
    )
