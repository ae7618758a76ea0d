"""Experiments run in this process, small: built from a configuration as the command line builds them."""

from pathlib import Path

import pandas as pd

from sparsecnn.config import build, compose, identity
from sparsecnn.experiments import RunInfo, open_run
from sparsecnn.experiments.outcome import Outcome
from sparsecnn.experiments.progress import Silent

QUICK = ["threads=1", "validation.share=0.2", "solver.epochs=2", "solver.batch_size=64", "solver.learning_rate=0.02"]
SEARCH = [*QUICK, "search.retrain.epochs=0.5"]
# Columns that are not results.
UNMEASURED = ["train_seconds", "started_at", "run"]
# Columns that may differ when the same network is computed in another order: float32 rounding, and what follows of it.
ROUNDED = ["accepted", "val_loss", "val_accuracy", "test_accuracy", *UNMEASURED]


class Counting(Silent):
    """Counts the networks that are trained."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def training(self, title: str) -> None:
        self.titles.append(title)


def run(folder: Path, command: str, overrides: list[str], progress: Silent | None = None) -> Outcome:
    composed = compose(command, overrides)
    makes = identity(composed)
    info = RunInfo(folder, composed.text(), tuple(overrides), makes, composed.choices)
    with open_run(info) as opened:
        outcome: Outcome = build(composed.nodes).execute(opened, makes, progress or Silent())
    return outcome


def results(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that are the same whenever the same command runs."""
    return table.drop(columns=UNMEASURED)
