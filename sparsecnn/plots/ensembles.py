"""Accuracy of ensembles of one memory against the number of their networks."""

import json

import pandas as pd
from matplotlib.figure import Figure

from sparsecnn.frontier import finished, require_columns
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.plots.means import ASIDE_TEXT, draw_means, means, seeds_text
from sparsecnn.sizes import readable

NAMES = {"ensemble": "ensemble", "mean": "its networks alone, mean"}
MEASURES = ["val_accuracy", "val_loss", "test_accuracy", "test_loss"]
COLUMNS = ["key", "phase", "seed", "members", "memory_bytes", "nonzeros", "weights", *MEASURES]


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation over ensembles for each number of networks; percent and nats.

    Rows of `what` "ensemble" are of the averaged probabilities, those of "mean" of the mean over the networks of each
    ensemble, alone. `file_bytes` and `density` are means over files. ValueError when there is no finished row of phase
    ensemble, when rows of its networks are missing, or when two ensembles share their number of networks and seed.
    """
    require_columns(table, COLUMNS)
    ended = finished(table).drop_duplicates("key")
    rows = ended[ended["phase"] == "ensemble"].astype(dict.fromkeys(MEASURES, float))
    if rows.empty:
        raise ValueError(
            f"the figure of ensembles needs a finished row of phase ensemble, got none in {len(table)} rows"
        )
    keys = [json.loads(members) for members in rows["members"]]
    rows = rows.assign(networks=[len(of) for of in keys], density=rows["nonzeros"] / rows["weights"], what="ensemble")
    alone = ended.set_index("key")[MEASURES].astype(float)
    missing = [key for of in keys for key in of if key not in alone.index]
    if missing:
        raise ValueError(f"the table lacks the row of the network {missing[0]} of an ensemble")
    averages = pd.DataFrame([alone.loc[of].mean() for of in keys], index=rows.index)
    both = pd.concat([rows, rows.assign(what="mean", **averages)])
    files = rows.groupby("networks").agg(file_bytes=("memory_bytes", "mean"), density=("density", "mean"))
    return means(both, ["what", "networks"], MEASURES).join(files, on="networks")


def draw(table: pd.DataFrame) -> Figure:
    """The ensemble and the mean of its networks, validation beside test; ValueError as for `numbers`."""
    summary = numbers(table)
    figure = draw_means(summary, x="networks", line="what", names=NAMES, x_label="networks in one file")
    files = summary[summary["what"] == "ensemble"]
    sizes = dict.fromkeys(readable(size) for size in (files["file_bytes"].min(), files["file_bytes"].max()))
    densities = ", ".join(f"{row.density:.3g}" for row in files.itertuples(index=False))
    text = f"Files take {' to '.join(sizes)}. Densities (nonzeros of all weights), from left to right: {densities}."
    style.add_caption(figure, f"{about(table)}{seeds_text(summary)} {text} {ASIDE_TEXT}")
    return figure
