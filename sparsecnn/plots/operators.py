"""Families of compact networks: accuracy against the bytes of their weights."""

import pandas as pd
from matplotlib.figure import Figure

from sparsecnn.plots.families import SEARCHED, TRAINED, draw_families, family_means

numbers = family_means


def draw(table: pd.DataFrame) -> Figure:
    """Every family at its widths and as searches made it smaller; ValueError as for `numbers`."""
    return draw_families(table, {"memory_bytes": "memory of the weights"}, what=[TRAINED, SEARCHED])
