"""What a kind of figure is to the command line."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure: `numbers` gives the table behind the picture that `draw` makes.

    Both take the table of candidates and raise ValueError when it holds nothing to show. `draw` may have options of
    its own after the table.
    """

    numbers: Callable[[pd.DataFrame], pd.DataFrame]
    draw: Callable[..., Figure]
