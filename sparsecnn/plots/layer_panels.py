"""The panels of the layers figure: stacks of nonzeros, and a matrix of densities."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sparsecnn.plots import style
from sparsecnn.sizes import readable

# As many layers and networks as have room for their names and numbers.
LONGEST_LEGEND = 12
MOST_COLUMNS = 16
ROW_INCHES, SLIM_ROW_INCHES, BESIDE_INCHES = 0.2, 0.09, 0.75
# The least density that has a colour of its own, in percent.
LEAST_PERCENT = 0.1
# What would be black, so that no cell is; numbers on cells above DARK_PERCENT are white.
BLACK_PERCENT = 500.0
DARK_PERCENT = 15.0
BARS_OF_ROOM = 8


def draw_stacks(axes: Axes, drawn: pd.DataFrame, column: str, colours: list[str]) -> None:
    """A stack a network at its validation accuracy; the last layer is at the bottom, as a legend reads down."""
    heights = drawn.pivot(index="val_accuracy", columns="position", values=column)
    bottom = np.zeros(len(heights))
    width = float(drawn["bar_points"].iloc[0])
    edge = 0.3 if len(colours) <= LONGEST_LEGEND else 0.0
    for position in reversed(heights.columns):
        colour = colours[int(position)]
        axes.bar(heights.index, heights[position], width, bottom, color=colour, edgecolor="white", linewidth=edge)
        bottom = bottom + heights[position].to_numpy()
    low, high = float(heights.index.min()), float(heights.index.max())
    half = max((high - low) / 2 + 1.5 * width, BARS_OF_ROOM * width)
    axes.set_xlim((low + high) / 2 - half, (low + high) / 2 + half)
    axes.set_ylim(0, 1.05 * float(bottom.max()))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("validation accuracy (%)")


def matrix_inches(layers: int) -> float:
    """The height of the matrix with its labels."""
    return BESIDE_INCHES + layers * (ROW_INCHES if layers <= LONGEST_LEGEND else SLIM_ROW_INCHES)


def draw_matrix(figure: Figure, axes: Axes, stacks: pd.DataFrame) -> None:
    """The density of each layer (a row, input on top) in each network (a column, smallest first), in percent."""
    networks = stacks.drop_duplicates("key").sort_values("memory_bytes", ignore_index=True)
    shown = networks.iloc[list(_spaced(len(networks), MOST_COLUMNS))]
    percent = 100 * stacks.pivot(index="position", columns="key", values="density")[shown["key"]].to_numpy()
    norm = LogNorm(LEAST_PERCENT, BLACK_PERCENT, clip=True)
    picture = axes.imshow(np.maximum(percent, LEAST_PERCENT), cmap="Greys", norm=norm, aspect="auto")
    axes.grid(visible=False)
    axes.set_title("Density of each layer (%)")
    axes.set_xticks(range(len(shown)), [readable(int(size)) for size in shown["memory_bytes"]], rotation=40, ha="right")
    axes.set_xlabel("memory of the network")
    layers = stacks.drop_duplicates("position")["layer"].tolist()
    rows = _spaced(len(layers), LONGEST_LEGEND)
    axes.set_yticks(rows, [style.shortened(str(layers[row]), 24) for row in rows])
    if len(layers) > LONGEST_LEGEND:
        figure.colorbar(picture, ax=axes, label="density (%)", format="%g").ax.set_ylim(LEAST_PERCENT, 100.0)
        return
    for (row, column), value in np.ndenumerate(percent):
        text, colour = _number(value), "white" if value > DARK_PERCENT else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)


def name_layers(figure: Figure, layers: pd.DataFrame, colours: list[str]) -> None:
    """A legend of the layers where there is room for all, else of their kinds."""
    if len(layers) <= LONGEST_LEGEND:
        sizes = zip(layers["layer"], layers["layer_weights"], strict=True)
        labels = [f"{style.shortened(str(name), 24)} ({size:,})" for name, size in sizes]
        patches = [Patch(color=colour, label=label) for colour, label in zip(colours, labels, strict=True)]
        figure.legend(handles=patches, loc="outside right upper", title="layer (dense weights)")
        return
    patches = []
    for name, members in layers.groupby("kind", sort=False):
        colour = colours[int(members.index[0])]
        patches.append(Patch(color=colour, label=f"{name}, {len(members)}"))
    figure.legend(handles=patches, loc="outside right upper", title="kind, layers\n(dark: near the input)")


def _spaced(count: int, most: int) -> range:
    """At most so many places out of `count`, equally far from each other, from the first on."""
    return range(0, count, -(-count // most))


def _number(percent: float) -> str:
    if percent >= 9.95:
        return f"{percent:.0f}"
    return f"{percent:.1f}" if percent >= 0.05 or percent == 0 else f"{percent:.2f}"
