"""Families of compact networks: accuracy against the bytes of activations, in evaluation and in training."""

import pandas as pd
from matplotlib.figure import Figure

from sparsecnn.plots.families import TRAINED, draw_families, family_means

PANELS = {"inference_bytes": "activations of an image, evaluated", "training_bytes": "activations of an image, trained"}
numbers = family_means


def draw(table: pd.DataFrame) -> Figure:
    """Every family at its widths, which searches do not change; ValueError as for `numbers`."""
    return draw_families(table, PANELS, what=[TRAINED])
