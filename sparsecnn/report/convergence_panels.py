"""Training loss and validation accuracy by epoch, along the path of networks that were kept."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sparsecnn.plots import axes as plot_axes
from sparsecnn.report.chart import Line, Mark, Panel, Scale, decade_ticks, joined, linear_ticks, x_scale, y_scale
from sparsecnn.report.curves import Curves
from sparsecnn.report.networks import Networks

TITLES = {"train_loss": "Training loss", "val_accuracy": "Validation accuracy"}
LABELS = {"train_loss": "training loss (nats)", "val_accuracy": "accuracy (%)"}
KEPT_PHASES = ("base", "train", "member")
WIDE = 8.0  # losses further apart than this factor read better on a logarithmic axis
MARGIN = 1.04


def traces(table: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """A row for each epoch of the bases, the trainings and the accepted networks with all that they descend from.

    `x` is the epochs of training behind it, those of the parents with them; `is_last` marks the end of a network.
    Epochs of a table count from 1, and the last one of a network may be a part.
    """
    rows = table.drop_duplicates(["run", "key"])
    parts = [_traced(part, epochs[epochs["run"] == run]) for run, part in rows.groupby("run", sort=False)]
    return pd.concat(parts, ignore_index=True)


def convergence_panels(table: pd.DataFrame, epochs: pd.DataFrame, known: Networks, curves: Curves) -> list[Panel]:
    """A panel for the loss and one for the accuracy; none where no epoch is recorded."""
    if epochs.empty:
        return []
    traced = traces(table, epochs)
    columns = [column for column in TITLES if traced[column].notna().any()]
    if not columns:
        return []
    across = x_scale(0.0, MARGIN * float(traced["x"].max()))
    return [_panel(traced, column, across, known, curves) for column in columns]


def _panel(traced: pd.DataFrame, column: str, across: Scale, known: Networks, curves: Curves) -> Panel:
    shown = traced[np.isfinite(traced[column])]
    up = _scale(shown[column], shown["is_last"])
    lines, marks = [], []
    for (run, seed, _), path in shown.groupby(["run", "seed", "line"], sort=False):
        places = [(across(x), up(y)) for x, y in zip(path["x"], path[column], strict=True)]
        lines.append(Line(joined(places), curves.number(run, seed)))
    for _, row in shown[shown["is_last"]].iterrows():
        number = known.numbers.get((str(row["run"]), str(row["key"])))
        if number is not None and row[column] >= up.low:
            place = across(row["x"]), up(row[column])
            marks.append(Mark(*place, "end", curves.number(row["run"], row["seed"]), number, known.texts[number]))
    below = int((shown[column] < up.low).sum())
    return Panel(
        name=f"convergence-{column.partition('_')[0]}",
        title=TITLES[column],
        x_label="epochs of training, those of its parents included",
        y_label=LABELS[column],
        x_ticks=linear_ticks(across),
        y_ticks=decade_ticks(up) if up.is_logarithmic else linear_ticks(up),
        lines=lines,
        marks=marks,
        note=f"{below} of {len(shown)} epochs lie below" if below else "",
    )


def _scale(values: "pd.Series[float]", notable: "pd.Series[bool]") -> Scale:
    low, high = float(values.min()), float(values.max())
    if values.name == "val_accuracy":
        floor = plot_axes.accuracy_floor(np.asarray(values, np.float64), notable.to_numpy())
        return y_scale(*plot_axes.accuracy_limits(floor, high))
    if low > 0 and high / low > WIDE:
        return y_scale(low / 1.1, high * 1.1, is_logarithmic=True)
    return y_scale(min(0.0, low), high * MARGIN or 1.0)


def _traced(rows: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    by_key = rows.set_index("key")
    kept = _kept(by_key)
    behind = _behind(by_key.loc[kept])
    found = epochs[epochs["key"].isin(kept)].join(
        by_key[["seed", "phase", "number", "epochs", "memory_bytes", "test_accuracy"]], on="key"
    )
    # The table's accuracies are of the finished network; here each epoch has its own.
    found = found.sort_values(["seed", "number", "epoch"], kind="stable")
    x = found["key"].map(behind).astype(float) + found[["epoch", "epochs"]].min(axis=1)
    line = found["key"].where(found["phase"].isin(["train", "member"]), "search")
    return found.assign(x=x, line=line, is_last=~found.duplicated("key", keep="last")).astype(
        {"train_loss": float, "val_accuracy": float, "test_accuracy": float, "x": float}
    )


def _kept(by_key: pd.DataFrame) -> list[str]:
    """The keys of what is shown, in the order of the table."""
    wanted = set(by_key.index[by_key["accepted"].eq(True) | by_key["phase"].isin(KEPT_PHASES)])
    ahead: Sequence[str] = list(wanted)
    while ahead:
        parents = {str(parent) for parent in by_key.loc[list(ahead), "parent"].dropna()}
        ahead = [key for key in parents if key in by_key.index and key not in wanted]
        wanted.update(ahead)
    return [str(key) for key in by_key.index if key in wanted]


def _behind(kept: pd.DataFrame) -> dict[str, float]:
    """Epochs of training behind the start of each network; a parent stands above its children."""
    behind: dict[str, float] = {}
    for key, row in kept.iterrows():
        parent = row["parent"] if row["parent"] in behind else None
        behind[str(key)] = 0.0 if parent is None else behind[parent] + float(kept.loc[parent, "epochs"])
    return behind
