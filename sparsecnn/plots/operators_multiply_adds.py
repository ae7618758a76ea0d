"""Families of compact networks: accuracy against the multiply-adds of an image."""

import pandas as pd
from matplotlib.figure import Figure

from sparsecnn.plots.families import SEARCHED, TRAINED, draw_families, family_means

numbers = family_means


def draw(table: pd.DataFrame) -> Figure:
    """The networks of `plot-operators`, products with zeros left out; ValueError as for `numbers`."""
    return draw_families(table, {"multiply_adds": "multiply-adds an image"}, what=[TRAINED, SEARCHED])
