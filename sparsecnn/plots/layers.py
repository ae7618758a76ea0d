"""Figure 4 of Collins & Kohli: the nonzeros of each layer in the networks of a frontier."""

import json

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from sparsecnn.frontier import finished, pareto, require_columns, spaced
from sparsecnn.plots import axes as plot_axes
from sparsecnn.plots import style
from sparsecnn.plots.about import about
from sparsecnn.plots.layer_kinds import colours, kind
from sparsecnn.plots.layer_panels import draw_matrix, draw_stacks, matrix_inches, name_layers

NETWORK_COLUMNS = ["run", "seed", "number", "round", "key", "memory_bytes", "val_accuracy", "test_accuracy"]
BARS_ACROSS = 32  # this many bars would stand side by side in a panel
PANEL_INCHES = 3.4


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each layer of each network on the frontier (`spaced`) of each run and seed, smallest network first.

    `position` counts the layers from the input, `kind` is by the shape of the weights (plain "layer" where the table
    does not know it), `density` is nonzeros over `layer_weights`. `drawn` marks the networks of the bars: those of the
    first frontier of the table, and of networks whose bars would overlap the smaller; `bar_points` is the width of a
    bar in points of accuracy. ValueError when no finished row has a validation accuracy.
    """
    require_columns(table, [*NETWORK_COLUMNS, "accepted", "layer_nonzeros", "layer_weights"])
    rows = finished(table)
    rows = rows[rows["val_accuracy"].notna()].astype({"val_accuracy": float, "test_accuracy": float})
    if rows.empty:
        raise ValueError(
            f"the layers figure needs a finished row with a validation accuracy, got none in {len(table)} rows"
        )
    frontiers = [spaced(pareto(group)) for _, group in rows.groupby(["run", "seed"], sort=False)]
    stacks = [_marked(frontier, first=position == 0) for position, frontier in enumerate(frontiers)]
    shapes = _shapes(table)
    return pd.concat([_stack(row, shapes) for found in stacks for _, row in found.iterrows()]).reset_index(drop=True)


def draw(table: pd.DataFrame) -> Figure:
    """Nonzeros of each layer in each network, raw and over the layer's dense size, and a matrix of all densities.

    Above, each network is a stack centred at its validation accuracy, the layer nearest the input on top. Colours are
    by the kind of a layer. ValueError as for `numbers`.
    """
    stacks = numbers(table)
    first = stacks[(stacks["run"] == stacks["run"].iloc[0]) & (stacks["seed"] == stacks["seed"].iloc[0])]
    drawn, layers = first[first["drawn"]], first.drop_duplicates("position").set_index("position")
    shades = colours(layers["kind"].tolist())
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, PANEL_INCHES + matrix_inches(len(layers))))
        grid = figure.add_gridspec(2, 2, height_ratios=[PANEL_INCHES, matrix_inches(len(layers))])
        raw, normalised = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        draw_stacks(raw, drawn, "nonzeros", shades)
        draw_stacks(normalised, drawn, "density", shades)
        raw.set_title("Nonzeros")
        raw.set_ylabel("nonzero weights, stacked over layers")
        raw.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        normalised.set_title("Nonzeros by dense size")
        normalised.set_ylabel(f"density, summed over {len(layers)} layers")
        draw_matrix(figure, figure.add_subplot(grid[1, :]), first)
        name_layers(figure, layers, shades)
        style.add_caption(figure, about(table) + _caption(stacks, first))
    return figure


def _marked(frontier: pd.DataFrame, *, first: bool) -> pd.DataFrame:
    accuracies = frontier["val_accuracy"].to_numpy(dtype=np.float64)
    low = plot_axes.accuracy_floor(accuracies, np.ones(len(frontier), dtype=bool))
    bar_points = max(float(accuracies.max()) - low, 1.0) / BARS_ACROSS
    kept: dict[str, float] = {}
    for key, accuracy in zip(frontier["key"], frontier["val_accuracy"], strict=True):
        apart = all(abs(accuracy - other) >= 1.15 * bar_points for other in kept.values())
        if first and apart and accuracy >= low:
            kept[key] = accuracy
    return frontier.assign(drawn=frontier["key"].isin(kept), bar_points=bar_points)


def _shapes(table: pd.DataFrame) -> dict[str, list[int]]:
    """The shapes of all layers by name; rows of older versions do not say them."""
    if "layer_shapes" not in table.columns:
        return {}
    return {name: shape for text in table["layer_shapes"].dropna().unique() for name, shape in json.loads(text).items()}


def _stack(network: pd.Series, shapes: dict[str, list[int]]) -> pd.DataFrame:
    nonzeros: dict[str, int] = json.loads(network["layer_nonzeros"])
    weights: dict[str, int] = json.loads(network["layer_weights"])
    names = list(weights)
    stack = pd.DataFrame(
        {
            "position": range(len(names)),
            "layer": names,
            "kind": [kind(shapes.get(name)) for name in names],
            "nonzeros": [nonzeros[name] for name in names],
            "layer_weights": [weights[name] for name in names],
        }
    )
    facts = {name: network[name] for name in [*NETWORK_COLUMNS, "drawn", "bar_points"]}
    return stack.assign(density=stack["nonzeros"] / stack["layer_weights"], **facts)


def _caption(stacks: pd.DataFrame, first: pd.DataFrame) -> str:
    drawn, networks = first.loc[first["drawn"], "key"].nunique(), first["key"].nunique()
    others = len(stacks.groupby(["run", "seed"])) - 1
    name = f"run {style.shortened(first['run'].iloc[0])}, seed {first['seed'].iloc[0]}"
    text = f"n = {networks} {'network' if networks == 1 else 'networks'} on the frontier of {name}."
    if drawn < networks:
        text += f" Without bars: {networks - drawn} of them, which would overlap others or have collapsed."
    return text + (f" Other frontiers in the table, not drawn: {others}." if others else "")
