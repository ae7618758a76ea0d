"""Figure 4 of Collins & Kohli: the nonzeros of each layer along the path of a search."""

import json

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from sparsecnn.frontier import finished, pareto, require_columns
from sparsecnn.plots import axes as plot_axes
from sparsecnn.plots import style

NETWORK_COLUMNS = [
    "run",
    "seed",
    "number",
    "round",
    "key",
    "memory_bytes",
    "val_accuracy",
    "test_accuracy",
]
LONGEST_LEGEND = 12
BARS_ACROSS = 32  # this many bars would stand side by side in a panel


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each layer of each network on the search path of each run and seed.

    The path is the accepted rows, or the frontier where nothing was accepted. `position` counts the
    layers from the input, `density` is nonzeros over `layer_weights`. `drawn` marks the networks of
    the figure: it shows the first path of the table, and of networks whose bars would overlap the
    smaller; `bar_points` is the width of a bar in points of accuracy. ValueError when no finished
    row has a validation accuracy.
    """
    require_columns(table, [*NETWORK_COLUMNS, "accepted", "layer_nonzeros", "layer_weights"])
    rows = finished(table)
    rows = rows[rows["val_accuracy"].notna()].astype({"val_accuracy": float, "test_accuracy": float})
    if rows.empty:
        raise ValueError(
            f"the layers figure needs a finished row with a validation accuracy, got none in {len(table)} rows"
        )
    paths = [_path(group) for _, group in rows.groupby(["run", "seed"], sort=False)]
    stacks = [_marked(path, first=position == 0) for position, path in enumerate(paths)]
    return pd.concat([_stack(row) for path in stacks for _, row in path.iterrows()]).reset_index(drop=True)


def draw(table: pd.DataFrame) -> Figure:
    """Nonzeros of each layer along the search path, raw and as shares of the layer's dense size.

    Each network is a stack centred at its validation accuracy, the layer nearest the input on top.
    ValueError as for `numbers`.
    """
    stacks = numbers(table)
    drawn = stacks[stacks["drawn"]]
    sizes = drawn.drop_duplicates("position").set_index("layer")["layer_weights"]
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 3.7))
        raw, normalised = figure.subplots(1, 2)
        colours = _colours(len(sizes))
        _draw_stacks(raw, drawn, "nonzeros", colours)
        _draw_stacks(normalised, drawn, "density", colours)
        raw.set_title("Nonzeros")
        raw.set_ylabel("nonzero weights, stacked over layers")
        raw.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        normalised.set_title("Nonzeros by dense size")
        normalised.set_ylabel(f"density, summed over {len(sizes)} layers")
        _name_layers(figure, [raw, normalised], sizes, colours)
        style.add_caption(figure, _caption(stacks))
    return figure


def _path(rows: pd.DataFrame) -> pd.DataFrame:
    accepted = rows[rows["accepted"].eq(True)]
    return pareto(rows) if accepted.empty else accepted


def _marked(path: pd.DataFrame, *, first: bool) -> pd.DataFrame:
    accuracies = path["val_accuracy"].to_numpy(dtype=np.float64)
    low = plot_axes.accuracy_floor(accuracies, np.ones(len(path), dtype=bool))
    bar_points = max(float(accuracies.max()) - low, 1.0) / BARS_ACROSS
    kept: dict[str, float] = {}
    by_memory = path.sort_values("memory_bytes", kind="stable")
    for key, accuracy in zip(by_memory["key"], by_memory["val_accuracy"], strict=True):
        apart = all(abs(accuracy - other) >= 1.15 * bar_points for other in kept.values())
        if first and apart and accuracy >= low:
            kept[key] = accuracy
    return path.assign(drawn=path["key"].isin(kept), bar_points=bar_points)


def _stack(network: pd.Series) -> pd.DataFrame:
    nonzeros: dict[str, int] = json.loads(network["layer_nonzeros"])
    weights: dict[str, int] = json.loads(network["layer_weights"])
    names = list(weights)
    stack = pd.DataFrame(
        {
            "position": range(len(names)),
            "layer": names,
            "nonzeros": [nonzeros[name] for name in names],
            "layer_weights": [weights[name] for name in names],
        }
    )
    facts = {name: network[name] for name in [*NETWORK_COLUMNS, "drawn", "bar_points"]}
    return stack.assign(density=stack["nonzeros"] / stack["layer_weights"], **facts)


def _colours(count: int) -> list[str]:
    if count <= len(style.PALETTE):
        return list(style.PALETTE[:count])
    return [to_hex(colour) for colour in colormaps["viridis"](np.linspace(0.0, 0.97, count))]


def _draw_stacks(axes: Axes, drawn: pd.DataFrame, column: str, colours: list[str]) -> None:
    heights = drawn.pivot(index="val_accuracy", columns="position", values=column)
    bottom = np.zeros(len(heights))
    width = float(drawn["bar_points"].iloc[0])
    edge = 0.3 if len(colours) <= LONGEST_LEGEND else 0.0
    # Last layer at the bottom, so that the legend reads down in network order as the stack does.
    for position in reversed(heights.columns):
        axes.bar(
            heights.index,
            heights[position],
            width,
            bottom,
            color=colours[int(position)],
            edgecolor="white",
            linewidth=edge,
        )
        bottom = bottom + heights[position].to_numpy()
    low, high = float(heights.index.min()), float(heights.index.max())
    half = max((high - low) / 2 + 1.5 * width, BARS_ACROSS / 4 * width)
    axes.set_xlim((low + high) / 2 - half, (low + high) / 2 + half)
    axes.set_ylim(0, 1.05 * float(bottom.max()))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("validation accuracy (%)")


def _name_layers(
    figure: Figure,
    panels: list[Axes],
    sizes: pd.Series,
    colours: list[str],
) -> None:
    labels = [f"{style.shortened(str(name), 24)} ({size:,})" for name, size in sizes.items()]
    if len(labels) <= LONGEST_LEGEND:
        patches = [Patch(color=c, label=label) for c, label in zip(colours, labels, strict=True)]
        figure.legend(handles=patches, loc="outside right upper", title="layer (dense weights)")
        return
    count = len(labels)
    norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    ramp = ScalarMappable(norm, ListedColormap(colours))
    shown = np.linspace(0, count - 1, 9).round().astype(int)
    bar = figure.colorbar(ramp, ax=panels, ticks=shown, drawedges=False, fraction=0.05, aspect=30)
    bar.ax.set_yticklabels([labels[position] for position in shown])
    bar.ax.invert_yaxis()
    bar.ax.minorticks_off()
    bar.ax.set_title("layer (dense weights)", fontsize=8, loc="left")


def _caption(stacks: pd.DataFrame) -> str:
    first = stacks.iloc[0]
    path = stacks[(stacks["run"] == first["run"]) & (stacks["seed"] == first["seed"])]
    drawn, networks = path.loc[path["drawn"], "key"].nunique(), path["key"].nunique()
    others = len(stacks.groupby(["run", "seed"])) - 1
    left_out = (
        " Of networks whose bars would overlap the smaller is drawn, collapsed ones are not."
        if drawn < networks
        else ""
    )
    return (
        f"n = {drawn} of {networks} networks on the path of run "
        f"{style.shortened(first['run'])}, seed {first['seed']}.{left_out}"
        + (f" Other paths in the table, not drawn: {others}." if others else "")
    )
