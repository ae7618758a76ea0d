"""Figures: each a function from the table to its numbers and one from the table to its picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd
from matplotlib.figure import Figure

# Renamed, because a function called as its module would hide the module.
from sparsecnn.plots.frontier import frontier as draw_frontier
from sparsecnn.plots.frontier import frontier_points
from sparsecnn.plots.layers import layer_stacks
from sparsecnn.plots.layers import layers as draw_layers
from sparsecnn.plots.style import save
from sparsecnn.plots.thresholding import thresholding as draw_thresholding
from sparsecnn.plots.thresholding import thresholding_summary

__all__ = ["FIGURES", "FigureKind", "save"]


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure: `numbers` gives the table behind the picture that `draw` makes.

    Both take the table of candidates and raise ValueError when it holds nothing to show.
    """

    numbers: Callable[[pd.DataFrame], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Figure]

    @property
    def help(self) -> str:
        """What the picture shows, in one line, for the command line."""
        return (self.draw.__doc__ or "").partition("\n")[0]


FIGURES: Mapping[str, FigureKind] = MappingProxyType(
    {
        "frontier": FigureKind(numbers=frontier_points, draw=draw_frontier),
        "layers": FigureKind(numbers=layer_stacks, draw=draw_layers),
        "thresholding": FigureKind(numbers=thresholding_summary, draw=draw_thresholding),
    }
)
