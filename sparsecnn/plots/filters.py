"""Figure 2 of Collins & Kohli: the filters of a convolution on images, and where they are not zero."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sparsecnn.frontier import require_columns
from sparsecnn.plots import style

Array = npt.NDArray[np.float64]
COLUMNS = ["run", "network", "layer", "filter", "channel", "row", "column", "weight"]
DRAWN_CHANNELS = (1, 3)  # grey and RGB
ACROSS = 8  # tiles in a row of a panel
PANELS = 3  # side by side
GAP = 1  # pixels between tiles
WIDEST_INCHES = 3.6  # of one panel
BAND_INCHES = 0.8  # for titles and gaps
TITLE_LETTERS = 90  # of all panels side by side


def weights_table(run: str, network: str, layer: str, weight: npt.NDArray[np.float32]) -> pd.DataFrame:
    """A row for each weight of a convolution [filters, channels, rows, columns]: what the figure is made of."""
    places = np.indices(weight.shape).reshape(4, -1)
    named = dict(zip(("filter", "channel", "row", "column"), places, strict=True))
    return pd.DataFrame({"run": run, "network": network, "layer": layer, **named, "weight": weight.ravel()})


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Nonzeros and l1 norm of each filter of each run; a filter is alive if any of its weights is not zero.

    `table` is that of `weights_table`, of one run or several. ValueError for an empty one, for weights that are
    not finite, and for filters of other than 1 or 3 channels, which have no colour.
    """
    require_columns(table, COLUMNS)
    if table.empty:
        raise ValueError("the filters figure needs at least one filter")
    if not np.isfinite(table["weight"]).all():
        raise ValueError("the filters figure needs finite weights")
    for (run, layer), part in table.groupby(["run", "layer"], sort=False):
        channels = part["channel"].nunique()
        if channels not in DRAWN_CHANNELS:
            raise ValueError(f"filters of 1 or 3 channels have a colour, those of {layer} in {run} have {channels}")
    filters = table.assign(size=table["weight"].abs(), is_nonzero=table["weight"] != 0)
    summary = filters.groupby(["run", "layer", "filter"], sort=False).agg(
        nonzeros=("is_nonzero", "sum"), weights=("weight", "size"), l1_norm=("size", "sum")
    )
    return summary.assign(alive=summary["nonzeros"] > 0).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """For each run the filters that are alive, and under each the share of its channels that is nonzero, by pixel.

    ValueError as for `numbers`.
    """
    numbers(table)
    runs = [(str(run), _as_array(part)) for run, part in table.groupby("run", sort=False)]
    across = min(len(runs), PANELS)
    bands = [runs[first : first + across] for first in range(0, len(runs), across)]
    tiles = [_tile_rows(band) for band in bands for _ in ("weights", "pattern")]
    tile_inches = min(style.WIDTH_INCHES / across, WIDEST_INCHES) / ACROSS
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, tile_inches * sum(tiles) + BAND_INCHES * len(bands) + 0.5))
        grid = figure.subplots(len(tiles), across, squeeze=False, height_ratios=tiles)
        for number, band in enumerate(bands):
            _draw_band(grid[2 * number : 2 * number + 2], band)
        style.add_caption(figure, _caption(table, runs))
    return figure


def _as_array(rows: pd.DataFrame) -> Array:
    """The weights of one run [filters, channels, rows, columns]."""
    places = [rows[name].to_numpy() for name in ("filter", "channel", "row", "column")]
    weight = np.zeros([int(place.max()) + 1 for place in places])
    weight[tuple(places)] = rows["weight"].to_numpy()
    return weight


def _is_alive(weight: Array) -> npt.NDArray[np.bool_]:
    alive: npt.NDArray[np.bool_] = (weight != 0).any(axis=(1, 2, 3))
    return alive


def _tile_rows(band: Sequence[tuple[str, Array]]) -> int:
    """Rows of tiles in the fullest of some panels."""
    return max(1, *(math.ceil(int(_is_alive(weight).sum()) / ACROSS) for _, weight in band))


def _draw_band(grid: Any, band: Sequence[tuple[str, Array]]) -> None:
    """Panels side by side in two rows of axes; axes that are left over go."""
    rows = _tile_rows(band)
    for axes in grid[:, len(band) :].flat:
        axes.remove()
    for (run, weight), (upper, lower) in zip(band, grid.T[: len(band)], strict=True):
        alive = weight[_is_alive(weight)]
        name = style.shortened(run, TITLE_LETTERS // grid.shape[1])
        upper.set_title(f"{name}\n{len(alive)} filters, {len(weight) - len(alive)} all-zero left out")
        lower.set_title("nonzero pattern", fontsize=8)
        _draw_tiles(upper, _colours(alive), rows)
        _draw_tiles(lower, _shares(alive), rows, is_framed=True)


def _colours(weight: Array) -> Array:
    """Tiles [N, rows, columns, 3] in [0, 1]: zero is the grey between, the largest magnitude of all an end."""
    tiles = 0.5 + 0.5 * weight / np.abs(weight).max(initial=np.finfo(np.float64).tiny)
    return np.repeat(tiles, 3 // weight.shape[1], axis=1).transpose(0, 2, 3, 1)


def _shares(weight: Array) -> Array:
    """Tiles [N, rows, columns, 3]: black where every channel is nonzero, white where none is."""
    white: Array = 1.0 - (weight != 0).mean(axis=1)
    return np.repeat(white[..., None], 3, axis=3)


def _draw_tiles(axes: Axes, tiles: Array, rows: int, *, is_framed: bool = False) -> None:
    """Tiles in rows of `ACROSS` from the upper left, in a panel with room for so many rows."""
    height, width = tiles.shape[1] + GAP, tiles.shape[2] + GAP
    sheet = np.ones((rows * height + GAP, ACROSS * width + GAP, 3))
    for number, tile in enumerate(tiles):
        top, left = GAP + number // ACROSS * height, GAP + number % ACROSS * width
        sheet[top : top + height - GAP, left : left + width - GAP] = tile
        if is_framed:
            corner = (left - 0.5, top - 0.5)
            axes.add_patch(Rectangle(corner, width - GAP, height - GAP, fill=False, ec=style.GREY, lw=0.4))
    axes.imshow(sheet, interpolation="nearest")
    if len(tiles) == 0:
        axes.text(0.5, 0.5, "every filter is zero", transform=axes.transAxes, ha="center", va="center")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _caption(table: pd.DataFrame, runs: Sequence[tuple[str, Array]]) -> str:
    layers, networks = (", ".join(table[name].unique()) for name in ("layer", "network"))
    shapes = dict.fromkeys(weight.shape[1:] for _, weight in runs)
    sizes = ", ".join(
        f"{height} x {width} in {'RGB' if channels == 3 else 'grey'}" for channels, height, width in shapes
    )
    networks = re.sub(r"\bseed(\d)", r"seed \1", networks)  # the name of a file
    ends = ", ".join(f"{np.abs(weight).max():.2g}" for _, weight in runs)
    panels = "panel by panel " if len(runs) > 1 else ""
    return (
        f"Layer {layers} ({sizes}) of {networks}. Above: grey is zero, each panel has one scale, to its largest "
        f"|weight| ({panels}{ends}). Below: the share of a pixel's channels that is nonzero, from white (none) to "
        "black (all)."
    )
