"""How far the support moves in training, against density: what projection does beyond a fixed mask."""

import json

import pandas as pd
from matplotlib.figure import Figure

from sparsecnn.frontier import finished, require_columns
from sparsecnn.plots import axes as plot_axes
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.plots.means import ASIDE_TEXT, aside, draw_line, means, seeds_text
from sparsecnn.plots.regularizers import named

# Of a network, beside those of its layers in each epoch.
COLUMNS = ["key", "phase", "seed", "regularizer", "budgets", "weights"]
LAYER_COLUMNS = ["epoch", "layer_detail", "nonzeros_detail", "turnover"]
ASIDE = 0.05
PERCENT = 100.0
ONCE = "threshold_once"
UNMOVED = " Thresholding after the training keeps all weights until then: it has no others to take up."


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation over seeds of the turnover an epoch, in percent, for each regularizer.

    `table` has a row a network, epoch and layer. The turnover of a network is the share of its kept positions, over all
    layers and the mean of its epochs, that were not kept when the epoch began. `density` is what the budgets allow.
    ValueError when no finished row of phase train under budgets has one.
    """
    rows = _networks(table)
    summary = means(rows, ["regularizer", "density"], ["turnover", "epochs"])
    return summary.drop(columns="epochs_deviation")


def draw(table: pd.DataFrame) -> Figure:
    """A line a regularizer; ValueError as for `numbers`."""
    summary = numbers(table)
    names = named(summary["regularizer"])
    with style.paper_style():
        figure = Figure(figsize=(4.8, 3.6))
        axes = figure.subplots()
        for position, (name, label) in enumerate(names.items()):
            rows = summary[summary["regularizer"] == name]
            places = rows["density"] * aside(position, len(names), ASIDE)
            draw_line(axes, rows, places, "turnover", position, label)
        ticks = plot_axes.density_ticks(summary["density"].min(), summary["density"].max())
        plot_axes.set_log_ticks(axes, ticks, "density: budgets of all weights")
        # Room for whole markers at zero.
        axes.set_ylim(bottom=-0.04 * axes.get_ylim()[1])
        axes.set_ylabel("kept weights that were not kept\nwhen the epoch began (%)")
        style.add_legend(figure, axes.get_legend_handles_labels()[0])
        style.add_caption(figure, f"{about(table)}{seeds_text(summary)} {ASIDE_TEXT}{UNMOVED if ONCE in names else ''}")
    return figure


def _networks(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each network of a training under budgets."""
    require_columns(table, [*COLUMNS, *LAYER_COLUMNS])
    rows = finished(table)
    rows = rows[rows["phase"] == "train"].drop_duplicates(["key", "epoch", "layer_detail"])
    rows = rows.assign(kept=rows["nonzeros_detail"], moved=rows["turnover"] * rows["nonzeros_detail"])
    epochs = rows.groupby([*COLUMNS, "epoch"], sort=False)[["moved", "kept"]].sum().reset_index()
    epochs["turnover"] = PERCENT * epochs["moved"] / epochs["kept"].clip(lower=1)
    found = (
        epochs.groupby(COLUMNS, sort=False).agg(turnover=("turnover", "mean"), epochs=("epoch", "size")).reset_index()
    )
    allowed = [sum(json.loads(budgets).values()) for budgets in found["budgets"]]
    found = found.assign(density=allowed / found["weights"])
    found = found[found["density"] < 1]
    if found.empty:
        needed = "a finished row of phase train under budgets"
        raise ValueError(f"the figure of turnover needs {needed}, got none in {len(table)} rows")
    return found
