"""Accuracy against memory of every network, as panels whose points can be pointed at."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sparsecnn.frontier import finished, pareto
from sparsecnn.plots import axes as plot_axes
from sparsecnn.report.chart import Line, Mark, Panel, Scale, Tick, linear_ticks, log_ticks, stairs, x_scale, y_scale
from sparsecnn.report.curves import Curves
from sparsecnn.report.networks import Networks
from sparsecnn.report.summary import TRAININGS
from sparsecnn.sizes import to_bytes

TITLES = {"val_accuracy": "Validation", "test_accuracy": "Test"}
OF_SEARCHES = {"val_accuracy": "Validation (chosen on)", "test_accuracy": "Test (the same networks)"}
NAME_WIDTH = 34  # of the name of a limit, in units of the drawing
ORDER = ("candidate", "incumbent", "end", "frontier", "base")  # the last one is drawn on top


def drawn_points(table: pd.DataFrame) -> pd.DataFrame:
    """The finished networks with a memory and an accuracy, their `kind`, and whether they are `on_frontier`.

    The frontier is that of each run and seed of a search, on validation; trainings have none.
    """
    rows = finished(table).drop_duplicates(["run", "key"])
    rows = rows.astype({"val_accuracy": float, "test_accuracy": float, "memory_bytes": float})
    rows = rows[rows["memory_bytes"].notna() & rows[list(TITLES)].notna().any(axis=1)].reset_index(drop=True)
    are_trainings = rows["phase"].isin(TRAININGS)
    paths = rows[~are_trainings].groupby(["run", "seed"])
    chosen = [index for _, path in paths for index in pareto(path).index]
    on_frontier = pd.Series(rows.index.isin(chosen), index=rows.index)
    kind = pd.Series("candidate", index=rows.index)
    kind[rows["accepted"].eq(True)] = "incumbent"
    kind[on_frontier] = "frontier"
    kind[rows["phase"] == "base"] = "base"
    kind[are_trainings] = "end"
    return rows.assign(kind=kind, on_frontier=on_frontier)


def frontier_panels(table: pd.DataFrame, known: Networks, curves: Curves, budgets: Sequence[str]) -> list[Panel]:
    """A panel for each split that was measured; none when no network is finished."""
    points = drawn_points(table)
    if points.empty:
        return []
    panels = [column for column in TITLES if points[column].notna().any()]
    rules = _rules(points, budgets)
    titles = OF_SEARCHES if points["on_frontier"].any() else TITLES
    sizes = [*points["memory_bytes"], *(size for _, size in rules)]
    ticks = plot_axes.memory_ticks(max(1.0, min(sizes)), max(1.0, *sizes))
    across = x_scale(ticks.low, ticks.high, is_logarithmic=True)
    up = _accuracy_scale(points, panels)
    return [
        Panel(
            name=f"frontier-{column.partition('_')[0]}",
            title=titles[column],
            x_label=f"memory of the weights ({ticks.unit})",
            y_label="accuracy (%)",
            x_ticks=log_ticks(across, ticks),
            y_ticks=linear_ticks(up),
            lines=_steps(points, column, curves, across, up),
            marks=_marks(points, column, known, curves, across, up),
            rules=_named(rules, across),
            note=_below(points[column], up),
        )
        for column in panels
    ]


def _accuracy_scale(points: pd.DataFrame, panels: Sequence[str]) -> Scale:
    values = points[list(panels)].to_numpy(dtype=np.float64).ravel()
    notable = (points["kind"] != "candidate").to_numpy()
    low = plot_axes.accuracy_floor(values, np.repeat(notable, len(panels)))
    return y_scale(*plot_axes.accuracy_limits(low, float(np.nanmax(values))))


def _rules(points: pd.DataFrame, budgets: Sequence[str]) -> list[tuple[str, float]]:
    """The limits in bytes, where all networks have one dense size."""
    sizes = points["dense_bytes"].unique()
    if len(sizes) > 1:
        return []
    return [(budget, to_bytes(budget, int(sizes[0]))) for budget in budgets]


def _named(rules: Sequence[tuple[str, float]], across: Scale) -> list[Tick]:
    """The limits as ticks, from the widest down; one whose name would lie over the name before it has none."""
    found: list[Tick] = []
    for budget, size in sorted(rules, key=lambda rule: -rule[1]):
        named = [tick.at for tick in found if tick.text]
        is_free = not named or named[-1] - across(size) >= NAME_WIDTH
        found.append(Tick(across(size), budget if is_free else ""))
    return found


def _steps(points: pd.DataFrame, column: str, curves: Curves, across: Scale, up: Scale) -> list[Line]:
    lines = []
    for (run, seed), path in points[points["on_frontier"]].groupby(["run", "seed"], sort=False):
        shown = path[path[column].notna()].sort_values("memory_bytes")
        places = [(across(x), up(y)) for x, y in zip(shown["memory_bytes"], shown[column], strict=True)]
        if len(places) > 1:
            lines.append(Line(stairs(places), curves.number(run, seed)))
    return lines


def _marks(points: pd.DataFrame, column: str, known: Networks, curves: Curves, across: Scale, up: Scale) -> list[Mark]:
    shown = points[points[column].notna()].sort_values("kind", key=lambda kinds: kinds.map(ORDER.index), kind="stable")
    marks = []
    for _, row in shown.iterrows():
        number = known.numbers[str(row["run"]), str(row["key"])]
        is_below = row[column] < up.low
        marks.append(
            Mark(
                x=across(row["memory_bytes"]),
                y=up(max(row[column], up.low)),
                kind="below" if is_below else str(row["kind"]),
                curve=curves.number(row["run"], row["seed"]),
                network=number,
                text=known.texts[number],
            )
        )
    return marks


def _below(accuracy: "pd.Series[float]", up: Scale) -> str:
    below = int((accuracy < up.low).sum())
    return f"{below} of {int(accuracy.notna().sum())} lie below" if below else ""
