"""The picture of the benchmarks of training: results/bench/training.png and .svg, from the tables beside it.

python benchmarks/picture.py
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sparsecnn.plots import style

TABLES = Path("results/bench")
COLOURS = {"cifar10_quick": style.PALETTE[0], "lenet": style.PALETTE[1], "resnet20": style.PALETTE[2]}
NAMES = {"cifar10_quick": "cifar10_quick", "lenet": "LeNet", "resnet20": "ResNet-20"}


def draw(candidates: pd.DataFrame, fixed_support: pd.DataFrame, costs: pd.DataFrame) -> Figure:
    """Candidates an hour, steps on a fixed support, and what a step costs beside its arithmetic."""
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 5.2))
        halves = figure.add_gridspec(2, 1)
        above, below = (figure.add_subfigure(halves[row, 0]) for row in range(2))
        _draw_candidates(above.subplots(), candidates)
        left, right = below.subplots(1, 2)
        _draw_fixed_support(left, fixed_support)
        _draw_costs(right, costs)
        handles = [Patch(color=colour, label=NAMES[network]) for network, colour in COLOURS.items()]
        style.add_legend(figure, handles)
        machine = candidates.iloc[0]
        style.add_caption(
            figure,
            f"Medians and quartiles. {machine['processor']}, {machine['cores']} cores, torch {machine['torch']}. "
            "Candidates are retrained and measured on validation and test; 1 is the loop that a user would write "
            "(DataLoader, torchvision transforms, torch.topk). Steps: one thread, batch 128.",
        )
    return figure


def _draw_candidates(axes: Axes, table: pd.DataFrame) -> None:
    ways = [way for way in table["way"].drop_duplicates() if way != "user's loop"][::-1]
    for position, (network, rows) in enumerate(table.groupby("network", sort=False)):
        rows = rows.set_index("way").loc[ways]
        heights = np.arange(len(ways)) + 0.19 - 0.38 * position
        errors = [
            rows["ratio_median"] - rows["ratio_lower_quartile"],
            rows["ratio_upper_quartile"] - rows["ratio_median"],
        ]
        name = str(network)
        axes.barh(heights, rows["ratio_median"], 0.36, xerr=errors, color=COLOURS[name], ecolor=style.GREY)
        for height, ratio, upper in zip(heights, rows["ratio_median"], rows["ratio_upper_quartile"], strict=True):
            axes.text(upper + 0.12, height, f"{ratio:.1f}x", va="center", fontsize=8)
    axes.set_yticks(range(len(ways)), ways)
    axes.axvline(1, color=style.GREY, linewidth=1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("candidates an hour, times those of a user's loop")
    axes.set_title("Candidates of a round on two cores")
    axes.set_xlim(right=1.12 * table["ratio_upper_quartile"].max())


def _draw_fixed_support(axes: Axes, table: pd.DataFrame) -> None:
    for network, rows in table.groupby("network", sort=False):
        name = str(network)
        errors = [
            rows["ratio_median"] - rows["ratio_lower_quartile"],
            rows["ratio_upper_quartile"] - rows["ratio_median"],
        ]
        axes.errorbar(
            rows["density"],
            rows["ratio_median"],
            errors,
            color=COLOURS[name],
            marker="o",
            markersize=4,
        )
    densities = sorted(table["density"].unique())
    axes.set_xscale("log")
    axes.set_xticks(densities, [f"{density:g}" for density in densities])
    axes.minorticks_off()
    axes.set_ylim(bottom=1)
    axes.set_xlabel("density of every layer")
    axes.set_ylabel("times as fast as dense")
    axes.set_title("A step on a fixed support")


def _draw_costs(axes: Axes, table: pd.DataFrame) -> None:
    kinds = list(table["cost"].drop_duplicates())
    networks = list(table["network"].drop_duplicates())
    for position, network in enumerate(networks):
        rows = table[table["network"] == network].set_index("cost").loc[kinds]
        places = np.arange(len(kinds)) + 0.2 * (position - (len(networks) - 1) / 2)
        percent = 100 * (rows["ratio"] - 1)
        axes.plot(places, percent, "o", color=COLOURS[network], markersize=5)
    axes.set_xticks(range(len(kinds)), kinds)
    axes.axhline(0, color=style.GREY, lw=1.0, zorder=1)
    # What costs nothing may come out below it.
    axes.set_ylim(bottom=min(0.0, 150 * (table["ratio"].min() - 1)))
    axes.set_ylabel("% of a step")
    axes.set_title("What else a step costs")


def step_costs(projection: pd.DataFrame, pipeline: pd.DataFrame) -> pd.DataFrame:
    """Of each network: the most that the projection costs at any density, in C and in NumPy, and new images."""
    small = projection[projection["network"].isin(COLOURS)]
    worst = small.groupby(["kernels", "network"], sort=False)["ratio_median"].max().reset_index()
    worst = worst.assign(cost="projection,\n" + worst["kernels"], ratio=worst["ratio_median"])
    images = pipeline.assign(cost="new images", ratio=pipeline["ratio_median"])
    return pd.concat([worst, images])[["cost", "network", "ratio"]]


def main() -> None:
    """Draws the picture."""
    tables = {
        name: pd.read_csv(TABLES / f"{name}.csv") for name in ("candidates", "fixed_support", "projection", "pipeline")
    }
    costs = step_costs(tables["projection"], tables["pipeline"])
    for path in style.save(draw(tables["candidates"], tables["fixed_support"], costs), TABLES / "training"):
        print(path)


if __name__ == "__main__":
    main()
