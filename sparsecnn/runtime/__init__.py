"""Networks that run from packed files on the CPU: in C from the nonzeros, in torch where that is faster."""

from sparsecnn.runtime.load import load, sparse_network
from sparsecnn.runtime.network import SparseNetwork
from sparsecnn.runtime.plan import LayerPlan

__all__ = ["LayerPlan", "SparseNetwork", "load", "sparse_network"]
