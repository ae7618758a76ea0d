"""sparsecnn: the most accurate convolutional network that fits a memory budget.

Public names are imported on first use, so that `import sparsecnn` takes no time.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "FlipAndCrop": "sparsecnn.data",
    "Greedy": "sparsecnn.search",
    "GreedySearch": "sparsecnn.experiments",
    "RunStore": "sparsecnn.results",
    "Solver": "sparsecnn.solvers",
    "Storage": "sparsecnn.storage",
    "Train": "sparsecnn.experiments",
    "Trainer": "sparsecnn.training",
    "evaluate": "sparsecnn.training",
    "load": "sparsecnn.runtime",
    "packer_of": "sparsecnn.packing",
    "pareto": "sparsecnn.frontier",
    "project_l0": "sparsecnn.operators",
    "prunable_weights": "sparsecnn.models",
    "read_runs": "sparsecnn.results",
    "shrink_l1": "sparsecnn.operators",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'sparsecnn' has no attribute {name!r}")
