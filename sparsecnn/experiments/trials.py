"""Rows of the table as the search sees them."""

import json
import math

from sparsecnn.results import CandidateRow
from sparsecnn.search import Candidate, Trial


def as_trial(candidate: Candidate, row: CandidateRow) -> Trial:
    """The result of `candidate` without its test accuracy: the search must not see it."""
    failed = (
        row.status not in ("ok", "early")
        or row.memory_bytes is None
        or row.val_accuracy is None
        or row.val_loss is None
    )
    return Trial(
        candidate=candidate,
        key=row.key,
        has_failed=failed,
        memory_bytes=math.inf if row.memory_bytes is None else row.memory_bytes,
        val_accuracy=-math.inf if row.val_accuracy is None else row.val_accuracy,
        val_loss=math.inf if row.val_loss is None else row.val_loss,
        layer_nonzeros=json.loads(row.layer_nonzeros or "{}"),
    )
