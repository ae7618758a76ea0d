"""Training under a bound, and measuring."""

from sparsecnn.training.evaluation import Evaluation, evaluate
from sparsecnn.training.loop import Observer, Trainer
from sparsecnn.training.placement import Placement, place
from sparsecnn.training.snapshot import Snapshots
from sparsecnn.training.telemetry import Epoch, LayerEpoch

__all__ = [
    "Epoch",
    "Evaluation",
    "LayerEpoch",
    "Observer",
    "Placement",
    "Snapshots",
    "Trainer",
    "evaluate",
    "place",
]
