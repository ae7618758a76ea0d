"""What each layer takes in a file: its positions by format against their bound, and all its bytes."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from sparsecnn.frontier import require_columns
from sparsecnn.plots import style
from sparsecnn.sizes import readable

SUMS = ["weights", "nonzeros", "bytes", "bound_bytes", "position_bytes", "position_bound_bytes"]
COLUMNS = ["network", "layer", "way", *SUMS]
TOTAL = "all layers"
CODED = " coded"
CHEAPEST_RAW = "cheapest format, raw float32"
MARKERS = "osD^v<>"
ROW_INCHES, MARGIN_INCHES = 0.36, 2.3
BYTE_TICKS = [factor * size for size in (1, 2**10, 2**20, 2**30) for factor in (1, 10, 100)]
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` (packing.format_table), behind them those of the sum over all layers, and two shares.

    `over_bound` is bytes over bound bytes, `position_over_bound` the same of the positions alone (NaN for a layer with
    one possible mask, and in the dense format). ValueError for an empty table.
    """
    require_columns(table, COLUMNS)
    if table.empty:
        raise ValueError("the storage figure needs at least one layer")
    total = table.groupby(["network", "way"], sort=False)[SUMS].sum().reset_index()
    rows = pd.concat([table[COLUMNS], total.assign(layer=TOTAL)[COLUMNS]], ignore_index=True)
    bound = rows["position_bound_bytes"].where((rows["position_bound_bytes"] >= 1) & (rows["way"] != "dense"))
    return rows.assign(
        over_bound=rows["bytes"] / rows["bound_bytes"].where(rows["bound_bytes"] > 0),
        position_over_bound=rows["position_bytes"] / bound,
    )


def draw(table: pd.DataFrame) -> Figure:
    """A row a layer and one for their sum, a marker for each way to store it."""
    rows = numbers(table)
    layers = list(dict.fromkeys(rows["layer"]))
    total = rows[rows["layer"] == TOTAL].iloc[0]
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * len(layers)))
        left, right = figure.subplots(1, 2, sharey=True)
        _draw_positions(left, rows, layers)
        _draw_bytes(right, rows, layers)
        _name_layers(left, rows, layers)
        style.add_caption(
            figure,
            f"Network {style.shortened(str(total['network']))}: {int(total['nonzeros']):,} of its "
            f"{int(total['weights']):,} weights are not zero (N weights and z nonzeros a layer). Entropy-coded values "
            "stand beside positions in the cheapest format; biases and the header of a file come on top.",
        )
    return figure


def _draw_positions(axes: Axes, rows: pd.DataFrame, layers: list[str]) -> None:
    """Bytes of the positions alone over their bound, by format."""
    formats = rows[~rows["way"].str.endswith(CODED) & (rows["way"] != "dense")]
    axes.axvline(1.0, color=style.GREY, linewidth=1.0, label="bound, log2 C(N, z)")
    for position, (way, part) in enumerate(formats.groupby("way", sort=False)):
        _mark(axes, part["position_over_bound"], part["layer"], layers, position, str(way).replace("_", " "))
    shares = formats["position_over_bound"].dropna()
    if shares.empty:
        shares = pd.Series([1.0])
    _log_axis(axes, shares.min(), shares.max())
    axes.set_xticks([tick for tick in TICKS if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}x"))
    for layer, found in formats.groupby("layer", sort=False):
        if found["position_over_bound"].isna().all():
            axes.text(
                1.03, layers.index(str(layer)), "nothing to tell: one mask", va="center", color=style.GREY, fontsize=7.5
            )
    axes.set_title("Positions, over the bound")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)


def _draw_bytes(axes: Axes, rows: pd.DataFrame, layers: list[str]) -> None:
    """Bytes of positions and values."""
    is_coded = rows["way"].str.endswith(CODED)
    raw = rows[~is_coded & (rows["way"] != "dense")].groupby("layer", sort=False)["bytes"].min().reset_index()
    shown = pd.concat([rows[rows["way"] == "dense"], raw.assign(way=CHEAPEST_RAW), rows[is_coded]])
    for position, (way, part) in enumerate(shown.groupby("way", sort=False)):
        name = str(way).replace(CODED, ", entropy-coded").replace("dense", "dense float32")
        _mark(axes, part["bytes"], part["layer"], layers, position, name, is_filled=True)
    bounds = rows.drop_duplicates("layer")
    at = [layers.index(layer) for layer in bounds["layer"]]
    axes.plot(bounds["bound_bytes"], at, "|", color=style.GREY, markersize=12, label="bound, log2 C(N, z) + 32 z")
    _log_axis(axes, shown["bytes"].where(shown["bytes"] > 0).min(), shown["bytes"].max())
    low, high = axes.get_xlim()
    axes.set_xticks([size for size in BYTE_TICKS if low <= size <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: readable(value).replace(".0", "")))
    axes.set_title("Positions and values")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=1)


def _mark(
    axes: Axes,
    shares: "pd.Series[float]",
    named: "pd.Series[str]",
    layers: list[str],
    position: int,
    label: str,
    *,
    is_filled: bool = False,
) -> None:
    color = style.PALETTE[position % len(style.PALETTE)]
    axes.plot(
        shares,
        [layers.index(layer) for layer in named],
        MARKERS[position % len(MARKERS)],
        color=color,
        markersize=5.5,
        markerfacecolor=color if is_filled else "none",
        label=label,
    )


def _log_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low / 1.2, high * 1.2)
    axes.xaxis.set_minor_formatter(NullFormatter())


def _name_layers(axes: Axes, rows: pd.DataFrame, layers: list[str]) -> None:
    sizes = rows.drop_duplicates("layer").set_index("layer")
    densities = sizes["nonzeros"] / sizes["weights"]
    axes.set_yticks(range(len(layers)), [f"{layer} ({densities[layer]:.3f})" for layer in layers])
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_ylabel("layer (density)")
