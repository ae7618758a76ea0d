"""Runnable experiments, one file each."""

from sparsecnn.experiments.described_data import DescribedData
from sparsecnn.experiments.ensemble import Ensemble
from sparsecnn.experiments.evaluate_file import EvaluateFile
from sparsecnn.experiments.greedy_search import GreedySearch
from sparsecnn.experiments.memory import Memory
from sparsecnn.experiments.operations import Operations
from sparsecnn.experiments.pack import Pack
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.run_folder import Run, RunInfo, open_run
from sparsecnn.experiments.train import Train
from sparsecnn.experiments.training_memory import TrainingMemory
from sparsecnn.experiments.workbench import Workbench

__all__ = [
    "DescribedData",
    "Ensemble",
    "EvaluateFile",
    "GreedySearch",
    "Memory",
    "Operations",
    "Pack",
    "Parts",
    "Run",
    "RunInfo",
    "Train",
    "TrainingMemory",
    "Workbench",
    "open_run",
]
