"""Accuracy against the number of images that were trained on, for each regularizer."""

import pandas as pd
from matplotlib.figure import Figure

from sparsecnn.frontier import finished, require_columns
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.plots.means import ASIDE_TEXT, draw_means, means, seeds_text
from sparsecnn.plots.regularizers import named

COLUMNS = ["key", "phase", "seed", "regularizer", "nonzeros", "weights", "val_accuracy", "test_accuracy"]


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation over seeds for each regularizer and number of images, in percent.

    `density` is the mean share of nonzeros. ValueError when no finished row of phase train says its images (tables
    from before there was the column do not), or when two rows share regularizer, images and seed.
    """
    rows = _trained(table)
    by = ["regularizer", "train_images"]
    density = rows.assign(density=rows["nonzeros"] / rows["weights"]).groupby(by)["density"].mean()
    return means(rows, by).join(density, on=by)


def draw(table: pd.DataFrame) -> Figure:
    """A line for each regularizer, validation beside test; ValueError as for `numbers`."""
    summary = numbers(table)
    densities = summary.groupby("regularizer")["density"].agg(["min", "max"])
    names = named(summary["regularizer"])
    figure = draw_means(summary, x="train_images", line="regularizer", names=names, x_label="training images")
    shown = "; ".join(f"{names[name]} {_range(*densities.loc[name])}" for name in names)
    text = f"{seeds_text(summary)} Mean densities (nonzeros of all weights): {shown}."
    style.add_caption(figure, f"{about(table)}{text} {ASIDE_TEXT}")
    return figure


def _trained(table: pd.DataFrame) -> pd.DataFrame:
    require_columns(table, [*COLUMNS, "train_images"])
    rows = finished(table)
    rows = rows[(rows["phase"] == "train") & rows["train_images"].notna() & rows["test_accuracy"].notna()]
    if rows.empty:
        raise ValueError(
            "the figure of training data needs a finished row of phase train with train_images, "
            f"got none in {len(table)} rows"
        )
    return rows.drop_duplicates("key").astype({"train_images": int})


def _range(low: float, high: float) -> str:
    texts = [f"{value:.3g}" for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"
