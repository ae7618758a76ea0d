"""Figure 1 of Collins & Kohli: accuracy against memory of every candidate of a search."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Transform

from sparsecnn.frontier import SAME_MEMORY, pareto, require_columns, spaced
from sparsecnn.plots import axes as plot_axes
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.sizes import readable

POINT_COLUMNS = [
    "run",
    "seed",
    "number",
    "round",
    "phase",
    "layer",
    "status",
    "memory_bytes",
    "dense_bytes",
    "val_accuracy",
    "test_accuracy",
    "accepted",
    "key",
]
# What captions call the phases other than candidates, and a status.
OTHERS = {"refined": "refined winners", "start": "allocated starts"}
STATUSES = {"early": "measured early"}
PANELS = {"val_accuracy": "Validation (chosen on)", "test_accuracy": "Test (same candidates)"}


class View(NamedTuple):
    """What the panels share: the ends of both axes (bytes, percent), the budget, whether runs have several seeds."""

    memory: plot_axes.LogTicks
    accuracy: tuple[float, float]
    budget_bytes: float | None
    crowded: bool


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Every row of `table` with what the frontier figure shows of it, failed rows included.

    `on_frontier` marks the frontier of each run and seed, chosen on validation accuracy.
    ValueError when no row is finished and has a validation accuracy.
    """
    require_columns(table, POINT_COLUMNS)
    numeric = {"val_accuracy": float, "test_accuracy": float}
    points = table[POINT_COLUMNS].reset_index(drop=True).astype(numeric)
    paths = points.groupby(["run", "seed"], sort=False)
    chosen = [index for _, path in paths for index in pareto(path).index]
    if not chosen:
        raise ValueError(
            f"the frontier figure needs a finished row with a validation accuracy, got none in {len(table)} rows"
        )
    return points.assign(
        accepted=points["accepted"].eq(True),  # the store keeps flags as 0, 1 or NULL
        memory_share=points["memory_bytes"] / points["dense_bytes"],
        on_frontier=points.index.isin(chosen),
    )


def draw(table: pd.DataFrame, budget_bytes: float | None = None) -> Figure:
    """Accuracy against memory of every candidate, with the frontier, on validation and test.

    The frontier is chosen on validation accuracy, one for each run and seed, and the same
    candidates are joined in both panels; a step at some memory is the best that fits in it. There
    is no mean over seeds, because their frontiers lie at different memories. `budget_bytes` draws a
    vertical line. ValueError as for `numbers`.
    """
    points = numbers(table)
    drawn = points[(points["status"] == "ok") & points["memory_bytes"].notna()]
    panels = [column for column in PANELS if drawn[column].notna().any()]
    view = _view(drawn, panels, budget_bytes)
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 4.0))
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, column in zip(grid, panels, strict=True):
            _draw_panel(axes, drawn, column, view)
        grid[0].set_ylabel("accuracy (%)")
        style.add_legend(figure, _handles(list(_curves(drawn))))
        style.add_caption(figure, about(table) + _caption(points))
    return figure


def _view(drawn: pd.DataFrame, panels: list[str], budget_bytes: float | None) -> View:
    notable = drawn["on_frontier"] | drawn["accepted"] | (drawn["phase"] == "base")
    accuracies = drawn[panels].to_numpy(dtype=np.float64).ravel()
    low = plot_axes.accuracy_floor(accuracies, np.repeat(notable.to_numpy(), len(panels)))
    memory = [*drawn["memory_bytes"], *([] if budget_bytes is None else [budget_bytes])]
    return View(
        memory=plot_axes.memory_ticks(max(1.0, min(memory)), max(1.0, *memory, 1.0)),
        accuracy=plot_axes.accuracy_limits(low, float(np.nanmax(accuracies))),
        budget_bytes=budget_bytes,
        crowded=bool(drawn.groupby("run")["seed"].nunique().max() > 1),
    )


def _draw_panel(axes: Axes, drawn: pd.DataFrame, column: str, view: View) -> None:
    for position, rows in enumerate(_curves(drawn).values()):
        _draw_curve(axes, rows, column, style.run_look(position), view)
    axes.set_title(PANELS[column], pad=6 if view.budget_bytes is None else 16)
    axes.set_ylim(view.accuracy)
    plot_axes.set_log_ticks(axes, view.memory, "memory of the weights")
    if view.budget_bytes is not None:
        axes.axvline(view.budget_bytes, color=style.GREY, lw=1.0, zorder=1.5)
        text = f"budget {readable(view.budget_bytes)}"
        _note(axes, text, (view.budget_bytes, 1.0), "center", axes.get_xaxis_transform())
    below = int((drawn[column] < view.accuracy[0]).sum())
    if below:
        text = f"▼ {below} of {int(drawn[column].notna().sum())} lie below"
        _note(axes, text, (1.0, 0.0), "right", axes.transAxes)


def _curves(drawn: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What has a colour of its own, by its name: a run, or where there is one alone each of its seeds."""
    one = drawn["run"].nunique() == 1
    names = "seed " + drawn["seed"].astype(str) if one else drawn["run"]
    return {str(name): rows for name, rows in drawn.groupby(names, sort=False)}


def _note(axes: Axes, text: str, at: tuple[float, float], align: str, coordinates: Transform) -> None:
    axes.annotate(
        text,
        at,
        xycoords=coordinates,
        xytext=(0, 5),
        textcoords="offset points",
        ha=align,
        fontsize=7.5,
        color=style.GREY,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
    )


def _draw_curve(axes: Axes, run: pd.DataFrame, column: str, look: tuple[str, str], view: View) -> None:
    colour, line = look
    width, dot, ring = (0.9, 2.5, 3.5) if view.crowded else (1.6, 4.0, 5.5)
    memory, accuracy = run["memory_bytes"], run[column]
    axes.plot(memory, accuracy, ".", color=colour, alpha=0.35, ms=4.5, mew=0)
    hidden = memory[accuracy < view.accuracy[0]]
    if len(hidden):  # an empty line that is not clipped would upset the layout
        edge = [view.accuracy[0]] * len(hidden)
        axes.plot(hidden, edge, "v", color=colour, ms=4, mew=0, clip_on=False, gid="below")
    won = run["accepted"] & (run["phase"] != "base")
    axes.plot(memory[won], accuracy[won], "o", mfc="none", mec=colour, ms=ring, mew=0.8)
    stairs: dict[str, Any] = {"where": "post", "marker": ".", "ms": dot, "gid": "frontier"}
    for _, path in run[run["on_frontier"]].sort_values("memory_bytes").groupby("seed"):
        steps = spaced(path)
        axes.step(steps["memory_bytes"], steps[column], line, color=colour, lw=width, **stairs)
    base = run["phase"] == "base"
    if accuracy[base].notna().any():
        axes.axhline(accuracy[base].mean(), color=colour, ls=(0, (4, 3)), lw=0.8, zorder=1)
        star: dict[str, Any] = {"marker": "*", "ms": 11, "mec": "white", "mew": 0.6}
        axes.plot([memory[base].mean()], [accuracy[base].mean()], color=colour, **star)


def _handles(runs: list[str]) -> list[Line2D]:
    looks = [style.run_look(position) for position in range(len(runs))]
    named = [
        Line2D([], [], color=colour, ls=line, lw=2, label=label)
        for label, (colour, line) in zip(style.short_names(runs), looks, strict=True)
    ]
    ink = style.GREY if len(runs) > 1 else style.PALETTE[0]
    marks: dict[str, dict[str, Any]] = {
        "frontier": {"marker": ".", "ms": 4},
        "candidate": {"ls": "", "marker": ".", "ms": 4.5, "mew": 0, "alpha": 0.5},
        "incumbent": {"ls": "", "marker": "o", "mfc": "none", "ms": 5.5, "mew": 0.8},
        "dense base": {"ls": (0, (4, 3)), "lw": 0.8, "marker": "*", "ms": 9},
    }
    kinds = [Line2D([], [], color=ink, label=label, **mark) for label, mark in marks.items()]
    return [*named, *kinds] if len(runs) > 1 else kinds


def _caption(points: pd.DataFrame) -> str:
    candidates = points[points["phase"] != "base"]
    more = {name: int((candidates["phase"] == phase).sum()) for phase, name in OTHERS.items()}
    counts = {"candidates": len(candidates) - sum(more.values()), **more}
    networks = " and ".join(f"{count} {name}" for name, count in counts.items() if count or name == "candidates")
    seeds = sorted(points["seed"].unique())
    runs = list(dict.fromkeys(points["run"]))
    name = f"run {style.shortened(runs[0])}" if len(runs) == 1 else f"{len(runs)} runs"
    missing = points.loc[points["status"] != "ok", "status"].value_counts().sort_index()
    not_drawn = ", ".join(f"{count} {STATUSES.get(str(status), status)}" for status, count in missing.items())
    frontier = points[points["on_frontier"]].sort_values("memory_bytes")
    are_close = any(len(spaced(path)) < len(path) for _, path in frontier.groupby(["run", "seed"]))
    percent = 100 * (SAME_MEMORY - 1)
    clauses = [
        f"n = {networks} of {name}, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}",
        f" (not drawn: {not_drawn})" if not_drawn else "",
        ". The frontier is chosen on validation accuracy, for each run and seed.",
        f" Of networks within {percent:.2g} % of each other in memory its line passes the most accurate." * are_close,
        " The dense base is a mean over seeds." if len(seeds) > 1 and len(runs) > 1 else "",
    ]
    return "".join(clauses)
