"""Families of networks on one picture: each at the sizes that were trained, and each as searches made it smaller."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, takewhile
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sparsecnn.frontier import are_kept, finished, pareto, require_columns
from sparsecnn.plots import axes as plot_axes
from sparsecnn.plots import style
from sparsecnn.plots.means import MARKERS, means, seeds_text

PLACES = ["memory_bytes", "multiply_adds", "inference_bytes", "training_bytes"]
ACCURACIES = ["val_accuracy", "test_accuracy"]
COLUMNS = ["run", "model", "data", "phase", "accepted", "seed", "key", *PLACES, *ACCURACIES]
# Said of pictures in which searches would be points on points.
_OF_SEARCHES = " Searches are left out: they change nothing here."
# Between the budgets at which searches are looked at.
STEP_OCTAVES = 0.5
SEARCHED, TRAINED = "searched", "trained"
# Of a budget on the line of a search.
POINT: dict[str, Any] = {"marker": "o", "ms": 2.5, "mew": 0.8}


def family_means(table: pd.DataFrame) -> pd.DataFrame:
    """Means and sample deviations over seeds of every family (`model`): a row a run of `train`, or a run and budget.

    `how` is "trained" or "searched". Incumbents of a search are looked at in budgets half an octave apart, down to the
    least that every seed has one within: each row is of those that are best on validation within `budget_bytes`.
    Percent, bytes, and multiply-adds an image. ValueError when there is neither a finished training nor a search with
    validation, when they are of several data sets, or when a column is missing (tables of older versions lack some).
    """
    require_columns(table, COLUMNS)
    ended = finished(table).drop_duplicates(["run", "key"])
    if ended["data"].nunique() > 1:
        raise ValueError(f"families are compared on one data set, got {', '.join(ended['data'].unique())}")
    trained = ended[ended["phase"] == "train"].assign(how=TRAINED, budget_bytes=np.nan)
    searches = ended[~ended["run"].isin(trained["run"])]
    chosen = [row for _, search in searches.groupby("run", sort=False) for row in _within_budgets(search)]
    rows = pd.concat([trained, *chosen])
    if rows.empty:
        raise ValueError(
            f"families need a finished training or a search with validation, got none in {len(table)} rows"
        )
    by = ["model", "how", "run", "budget_bytes"]
    found = means(rows.assign(budget_bytes=rows["budget_bytes"].fillna(0.0)), by, [*PLACES, *ACCURACIES])
    found["budget_bytes"] = found["budget_bytes"].where(found["how"] == SEARCHED)
    return found.sort_values(["model", "how", "memory_bytes"], kind="stable", ignore_index=True)


def _within_budgets(search: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """For each budget the best network of every seed within it."""
    paths = [pareto(path[are_kept(path)]) for _, path in search.groupby("seed", sort=True)]
    if not all(len(path) for path in paths):
        return
    most = max(float(path["memory_bytes"].max()) for path in paths)
    least = max(float(path["memory_bytes"].min()) for path in paths)
    steps = (most / 2 ** (STEP_OCTAVES * number) for number in count())
    for budget in [*takewhile(lambda step: step > least, steps), least]:
        within = [path[path["memory_bytes"] <= budget] for path in paths]
        yield pd.concat([rows.iloc[[-1]] for rows in within]).assign(how=SEARCHED, budget_bytes=budget)


def draw_families(table: pd.DataFrame, places: Mapping[str, str], *, what: Sequence[str]) -> Figure:
    """Test accuracy against each of the columns `places`, whose values name the axes.

    `what` is drawn of SEARCHED and TRAINED, as far as the table tells all of that. ValueError when that is nothing,
    and as for `family_means`.
    """
    everything = family_means(table)
    found = everything[everything["how"].isin(what)]
    if found.empty:
        raise ValueError(f"the table has no network that was {' or '.join(what)}")
    wanted = [*places, "test_accuracy"]
    told = found.dropna(subset=wanted)
    if told.empty:
        missing = [column for column in wanted if found[column].isna().all()]
        raise ValueError(f"the table does not tell {' and '.join(missing or wanted)} of any network")
    models = list(dict.fromkeys(table["model"]))
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 4.2 if len(places) == 1 else 3.8))
        grid = figure.subplots(1, len(places), sharey=True, squeeze=False)[0]
        for axes, (column, label) in zip(grid, places.items(), strict=True):
            for position, model in enumerate(models):
                _draw_family(axes, told[told["model"] == model], column, position)
            _set_axis(axes, told[column], label, is_bytes=column.endswith("_bytes"))
        grid[0].set_ylabel("test accuracy (%)")
        style.add_legend(figure, _handles([m for m in models if (told["model"] == m).any()], models, told))
        style.add_caption(
            figure, _caption(told, left_out=len(found) - len(told)) + _OF_SEARCHES * (len(found) < len(everything))
        )
    return figure


def _draw_family(axes: Axes, rows: pd.DataFrame, column: str, position: int) -> None:
    look = _look(position)
    trained = rows[rows["how"] == TRAINED].sort_values(column)
    if len(trained):
        bars: dict[str, Any] = {"lw": 1.0, "elinewidth": 0.9, "capsize": 2}
        axes.errorbar(trained[column], trained["test_accuracy"], _spread(trained), **look | {"ls": ":"}, **bars)
    for _, path in rows[rows["how"] == SEARCHED].sort_values("memory_bytes").groupby("run"):
        accuracy, spread = path["test_accuracy"], _spread(path)
        axes.plot(path[column], accuracy, **look | POINT, lw=1.5)
        axes.fill_between(path[column], accuracy - spread, accuracy + spread, color=look["color"], alpha=0.15, lw=0)


def _look(position: int) -> dict[str, Any]:
    """Of the family at `position`: colours and markers repeat after a while, with open markers and broken lines."""
    color, line = style.run_look(position)
    face = {} if position < len(MARKERS) else {"mfc": "white"}
    return {"color": color, "ls": line, "marker": MARKERS[position % len(MARKERS)], "ms": 5, **face}


def _spread(rows: pd.DataFrame) -> pd.Series:
    return rows["test_accuracy_deviation"].fillna(0.0)


def _set_axis(axes: Axes, values: pd.Series, label: str, *, is_bytes: bool) -> None:
    low, high = float(values.min()), float(values.max())
    if is_bytes:
        plot_axes.set_log_ticks(axes, plot_axes.memory_ticks(low, high), label)
    else:
        plot_axes.set_log_ticks(axes, plot_axes.count_ticks(low, high), label)


def _handles(shown: Sequence[str], models: Sequence[str], found: pd.DataFrame) -> list[Line2D]:
    families = [
        Line2D([], [], **_look(at), lw=1.5, label=model)
        for model, at in ((model, models.index(model)) for model in shown)
    ]
    kinds = {
        TRAINED: Line2D([], [], color=style.GREY, marker="o", ms=5, ls=":", lw=1.0, label="trained at several widths"),
        SEARCHED: Line2D([], [], color=style.GREY, lw=1.5, **POINT, label="searched"),
    }
    return [*families, *(kinds[how] for how in kinds if (found["how"] == how).any())]


def _caption(found: pd.DataFrame, *, left_out: int) -> str:
    searched = " Searched: incumbents, the best on validation within budgets half an octave apart."
    untold = f" Left out: {left_out} without these numbers."
    return seeds_text(found) + searched * bool((found["how"] == SEARCHED).any()) + untold * bool(left_out)
