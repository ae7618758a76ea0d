"""What a training step keeps in memory, against the number that was varied."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sparsecnn.frontier import require_columns
from sparsecnn.plots import style
from sparsecnn.plots.means import MARKERS

PANELS = {"kept_bytes": "Between the passes", "peak_bytes": "At most, over both passes"}
MIB = 2**20


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """`table` as it is: a column for each value that was varied, then kept_bytes and peak_bytes.

    ValueError without these, or when nothing that was varied is a number.
    """
    require_columns(table, list(PANELS))
    _numeric(table)
    return table


def draw(table: pd.DataFrame) -> Figure:
    """Bytes between the passes, beside the most at a time; a line for each combination of the other values."""
    x = _numeric(numbers(table))
    others = [name for name in table.columns if name not in (x, *PANELS)]
    lines = [((), table)] if not others else list(table.groupby(others, sort=False))
    with style.paper_style():
        figure = Figure(figsize=(style.WIDTH_INCHES, 3.4))
        grid = figure.subplots(1, 2, squeeze=False)[0]
        for axes, (column, title) in zip(grid, PANELS.items(), strict=True):
            for position, (values, rows) in enumerate(lines):
                colour, line = style.run_look(position)
                look = {"color": colour, "ls": line, "marker": MARKERS[position % len(MARKERS)], "ms": 4.0, "lw": 1.3}
                axes.plot(rows[x], rows[column] / MIB, label=_label(others, values), **look)
            axes.set_title(title)
            _set_axes(axes, sorted(table[x].unique()), x)
        grid[0].set_ylabel("activations (MiB)")
        if others:
            style.add_legend(figure, grid[0].get_legend_handles_labels()[0])
        style.add_caption(figure, "One step, float32. Weights, their gradients and the batch are not counted.")
    return figure


def _numeric(table: pd.DataFrame) -> str:
    """The first column that was varied over numbers."""
    found = [name for name in table.columns if name not in PANELS and pd.api.types.is_numeric_dtype(table[name])]
    if not found:
        raise ValueError("the figure of training memory needs a value that was varied over numbers")
    return str(found[0])


def _label(names: list[str], values: object) -> str:
    each = values if isinstance(values, tuple) else (values,)
    pairs = zip(names, each, strict=True)
    return style.shortened(", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in pairs))


def _set_axes(axes: Axes, places: list[int], label: str) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.set_xlabel(label.rpartition(".")[2].replace("_", " "))
    axes.set_ylim(bottom=0)
