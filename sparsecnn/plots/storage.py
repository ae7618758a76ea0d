"""Bytes of each layer by the way it is stored: of its positions, and of all, each against its bound."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from sparsecnn.frontier import require_columns
from sparsecnn.plots import style

SUMS = ["weights", "nonzeros", "bytes", "bound_bytes", "position_bytes", "position_bound_bytes"]
COLUMNS = ["layer", "way", *SUMS]
TOTAL = "all layers"
MARKERS = "osD^v<>PX*"
ROW_INCHES, MARGIN_INCHES = 0.36, 1.6
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` (packing.format_table), behind them those of the sum over all layers, and two shares.

    `over_bound` is bytes over bound bytes, `position_over_bound` the same of the positions alone (NaN for a layer with
    one possible mask, and in the dense format). ValueError for an empty table.
    """
    require_columns(table, COLUMNS)
    if table.empty:
        raise ValueError("the storage figure needs at least one layer")
    total = table.groupby("way", sort=False)[SUMS].sum().reset_index()
    rows = pd.concat([table[COLUMNS], total.assign(layer=TOTAL)[COLUMNS]], ignore_index=True)
    bound = rows["position_bound_bytes"].where((rows["position_bound_bytes"] >= 1) & (rows["way"] != "dense"))
    return rows.assign(
        over_bound=rows["bytes"] / rows["bound_bytes"].where(rows["bound_bytes"] > 0),
        position_over_bound=rows["position_bytes"] / bound,
    )


def draw(table: pd.DataFrame) -> Figure:
    """A row a layer and one for their sum, a marker for each way to store it; the lines at 1 are the bounds."""
    rows = numbers(table)
    layers = list(dict.fromkeys(rows["layer"]))
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * len(layers)))
        left, right = figure.subplots(1, 2, sharey=True)
        formats = rows[~rows["way"].str.endswith(" coded")]
        _draw_panel(left, formats, layers, "position_over_bound", rows)
        _draw_panel(right, rows, layers, "over_bound", rows)
        left.set_title("Positions")
        left.set_xlabel("bytes over log2 C(N, z)")
        right.set_title("Positions and values")
        right.set_xlabel("bytes over log2 C(N, z) + 32 z")
        _name_layers(left, rows, layers)
        figure.legend(*right.get_legend_handles_labels(), loc="outside right center")
        nonzeros = int(rows[rows["layer"] == TOTAL]["nonzeros"].iloc[0])
        style.add_caption(
            figure,
            f"N weights, z nonzeros; {nonzeros:,} nonzeros in all. Formats store raw float32 values; coded values are "
            "entropy-coded beside the cheapest format.",
        )
    return figure


def _draw_panel(axes: Axes, drawn: pd.DataFrame, layers: list[str], column: str, rows: pd.DataFrame) -> None:
    axes.axvline(1.0, color=style.GREY, linewidth=1.0)
    for position, way in enumerate(dict.fromkeys(rows["way"])):
        part = drawn[drawn["way"] == way]
        axes.plot(
            part[column],
            [layers.index(layer) for layer in part["layer"]],
            MARKERS[position % len(MARKERS)],
            color=style.PALETTE[position % len(style.PALETTE)],
            markersize=5.5,
            markerfacecolor="none",
            label=str(way).replace("_", " "),
        )
    axes.set_xscale("log")
    low, high = drawn[column].min() / 1.15, drawn[column].max() * 1.15
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}x"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _name_layers(axes: Axes, rows: pd.DataFrame, layers: list[str]) -> None:
    sizes = rows.drop_duplicates("layer").set_index("layer")
    densities = sizes["nonzeros"] / sizes["weights"]
    axes.set_yticks(range(len(layers)), [f"{layer} ({densities[layer]:.3f})" for layer in layers])
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_ylabel("layer (density)")
