"""Small experiments, and what must be the same of them. `run` runs one in this process."""

import pandas as pd
from in_process import run

from sparsecnn.experiments.progress import Silent

__all__ = ["QUICK", "ROUNDED", "SEARCH", "UNMEASURED", "Counting", "results", "run"]

QUICK = ["threads=1", "validation.share=0.2", "solver.epochs=2", "solver.batch_size=64", "solver.learning_rate=0.02"]
SEARCH = [*QUICK, "search.retrain.epochs=0.5"]
# Columns that are not results.
UNMEASURED = ["train_seconds", "started_at", "run"]
# Columns that may differ when the same network is computed in another order: float32 rounding, and what follows of it.
ROUNDED = ["accepted", "val_loss", "val_accuracy", "test_loss", "test_accuracy", "test_top5_accuracy", *UNMEASURED]


class Counting(Silent):
    """Counts the networks that are trained; `steps` are what a bar would show last."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.steps = (0, 0)

    def training(self, title: str, unit: str = "steps") -> None:
        self.titles.append(title)

    def step(self, done: int, steps: int) -> None:
        self.steps = (done, steps)


def results(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that are the same whenever the same command runs."""
    return table.drop(columns=UNMEASURED)
