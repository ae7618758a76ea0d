"""Bytes: what a network takes when each layer is stored in its cheapest format."""

from sparsecnn.storage.formats import FORMATS, Format, Pattern
from sparsecnn.storage.memory import LayerMemory, NetworkMemory, Storage, as_matrix

__all__ = ["FORMATS", "Format", "LayerMemory", "NetworkMemory", "Pattern", "Storage", "as_matrix"]
