"""The search: rounds, tightening, selection, stopping. It knows no tensors."""

from sparsecnn.search.cut import Cut
from sparsecnn.search.greedy import Greedy, Round
from sparsecnn.search.selection import Selection, accuracy, accuracy_per_byte, least_loss
from sparsecnn.search.stopping import Stopping
from sparsecnn.search.tightening import ByBytes, ByFactor, Tightening
from sparsecnn.search.trial import Candidate, Evaluate, LayerBytes, Trial

__all__ = [
    "ByBytes",
    "ByFactor",
    "Candidate",
    "Cut",
    "Evaluate",
    "Greedy",
    "LayerBytes",
    "Round",
    "Selection",
    "Stopping",
    "Tightening",
    "Trial",
    "accuracy",
    "accuracy_per_byte",
    "least_loss",
]
