"""Training under a bound, and measuring."""

from sparsecnn.training.activations import ActivationBytes, activation_bytes, inference_bytes
from sparsecnn.training.cohort import Member, train_cohort_
from sparsecnn.training.cohort_memory import cohort_size
from sparsecnn.training.evaluation import Evaluation, evaluate, evaluate_cohort
from sparsecnn.training.loop import Trainer
from sparsecnn.training.losses import StepLoss
from sparsecnn.training.observer import Observer
from sparsecnn.training.placement import Placement, place
from sparsecnn.training.snapshot import Snapshots
from sparsecnn.training.stackable import why_unstackable
from sparsecnn.training.telemetry import Epoch, LayerEpoch

__all__ = [
    "ActivationBytes",
    "Epoch",
    "Evaluation",
    "LayerEpoch",
    "Member",
    "Observer",
    "Placement",
    "Snapshots",
    "StepLoss",
    "Trainer",
    "activation_bytes",
    "cohort_size",
    "evaluate",
    "evaluate_cohort",
    "inference_bytes",
    "place",
    "train_cohort_",
    "why_unstackable",
]
