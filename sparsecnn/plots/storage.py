"""Bytes of each layer by the way it is stored, against the bound on its positions and float32 values."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from sparsecnn.frontier import require_columns
from sparsecnn.plots import style

COLUMNS = ["layer", "weights", "nonzeros", "way", "bytes", "bound_bytes"]
TOTAL = "all layers"
MARKERS = "osD^v<>PX*"
# Ways on either side of the bound are many; the legend stands beside the rows.
ROW_INCHES, MARGIN_INCHES = 0.34, 1.5
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` (packing.format_table), those of the sum over all layers behind them, and `over_bound`.

    `over_bound` is bytes over bound bytes. ValueError for an empty table.
    """
    require_columns(table, COLUMNS)
    if table.empty:
        raise ValueError("the storage figure needs at least one layer")
    total = table.groupby("way", sort=False)[["weights", "nonzeros", "bytes", "bound_bytes"]].sum().reset_index()
    rows = pd.concat([table[COLUMNS], total.assign(layer=TOTAL)[COLUMNS]], ignore_index=True)
    return rows.assign(over_bound=rows["bytes"] / rows["bound_bytes"].where(rows["bound_bytes"] > 0))


def draw(table: pd.DataFrame) -> Figure:
    """A row a layer and one for their sum, a marker for each way to store it; the line at 1 is the bound."""
    rows = numbers(table)
    layers = list(dict.fromkeys(rows["layer"]))
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * len(layers)))
        axes = figure.subplots()
        axes.axvline(1.0, color=style.GREY, linewidth=1.0)
        for position, (way, part) in enumerate(rows.groupby("way", sort=False)):
            axes.plot(
                part["over_bound"],
                [layers.index(layer) for layer in part["layer"]],
                MARKERS[position % len(MARKERS)],
                color=style.PALETTE[position % len(style.PALETTE)],
                markersize=5.5,
                markerfacecolor="none" if position >= len(style.PALETTE) else None,
                label=str(way).replace("_", " "),
            )
        _label(axes, rows, layers)
        figure.legend(loc="outside right center")
        nonzeros = int(rows.drop_duplicates("layer").query("layer == @TOTAL")["nonzeros"].iloc[0])
        style.add_caption(
            figure,
            "The bound is log2 C(N, z) bits for the positions of z nonzeros among N weights and 32 bits a value; "
            f"{nonzeros:,} nonzeros in all. Formats store raw float32 values, coded values stand beside the cheapest.",
        )
    return figure


def _label(axes: Axes, rows: pd.DataFrame, layers: list[str]) -> None:
    sizes = rows.drop_duplicates("layer").set_index("layer")
    densities = sizes["nonzeros"] / sizes["weights"]
    axes.set_yticks(range(len(layers)), [f"{layer} ({densities[layer]:.3f})" for layer in layers])
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_ylabel("layer (density)")
    axes.set_xscale("log")
    axes.set_xlabel("bytes over the bound")
    low, high = rows["over_bound"].min() / 1.15, rows["over_bound"].max() * 1.15
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}x"))
    axes.xaxis.set_minor_formatter(NullFormatter())
