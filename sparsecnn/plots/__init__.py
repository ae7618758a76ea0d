"""Figures: each module has `numbers`, table to table, and `draw`, table to picture."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pandas as pd

# The name of each module, which is the name of its command, and what its picture shows. The modules themselves import
# matplotlib, which the command line does not want to wait for.
FIGURES = {
    "frontier": "Accuracy against memory: every candidate a point, the frontier a line.",
    "layers": "Nonzeros a layer, raw and over the layer's dense size, along the search (the paper's Figure 4).",
    "thresholding": "Accuracy against density under projection and under thresholding (the paper's Figure 5).",
}


@dataclass(frozen=True)
class Figure:
    """One kind of figure; both functions raise ValueError when the table holds nothing to show."""

    numbers: Callable[[pd.DataFrame], pd.DataFrame]
    draw: Callable[..., Any]


def figure(name: str) -> Figure:
    """The figure of that name in FIGURES."""
    module = import_module(f"sparsecnn.plots.{name}")
    numbers = {"frontier": "frontier_points", "layers": "layer_stacks", "thresholding": "thresholding_summary"}
    return Figure(getattr(module, numbers[name]), getattr(module, name))


def __getattr__(name: str) -> Any:
    if name == "save":
        return import_module("sparsecnn.plots.style").save
    raise AttributeError(name)
