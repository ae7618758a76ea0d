"""Experiments run in this process: built from a configuration as the command line builds them."""

from collections.abc import Sequence
from pathlib import Path

from sparsecnn.config import build, compose, identity
from sparsecnn.experiments import RunInfo, open_run
from sparsecnn.experiments.outcome import Outcome
from sparsecnn.experiments.progress import SILENT, Progress


def run(folder: Path, command: str, overrides: Sequence[str], progress: Progress = SILENT) -> Outcome:
    """What `command` ("train", "greedy_search") under Hydra `overrides` ends with, in the run folder `folder`."""
    composed = compose(command, overrides)
    makes = identity(composed)
    info = RunInfo(folder, composed.text(), tuple(overrides), makes, composed.choices)
    with open_run(info) as opened:
        outcome: Outcome = build(composed.nodes).execute(opened, makes, progress)
    return outcome
