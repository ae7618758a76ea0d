"""What acts on the weights during training, and when."""

from sparsecnn.regularizers.exchange import Support
from sparsecnn.regularizers.late import late
from sparsecnn.regularizers.schedules import (
    Nothing,
    fixed_support,
    l0_projection,
    l1_shrinkage,
    none,
    threshold_fixed_mask,
    threshold_once,
)
from sparsecnn.regularizers.stacked import together, unstacked
from sparsecnn.regularizers.types import Regularizer

__all__ = [
    "Nothing",
    "Regularizer",
    "Support",
    "fixed_support",
    "l0_projection",
    "l1_shrinkage",
    "late",
    "none",
    "threshold_fixed_mask",
    "threshold_once",
    "together",
    "unstacked",
]
