"""Bytes: formats of a layer, types of values, the packed file, and what a network takes when each layer is cheapest."""

from sparsecnn.storage.container import PackedNetwork, parse, read_packed
from sparsecnn.storage.densities import Fit, Shapes, fits
from sparsecnn.storage.format import Format
from sparsecnn.storage.formats import FORMATS, PAPER_FORMATS
from sparsecnn.storage.layer import PackedLayer, SparseWeight, pack_layer, unpack_layer
from sparsecnn.storage.masks import Geometry, Mask
from sparsecnn.storage.memory import LayerMemory, NetworkMemory, Storage, as_matrix
from sparsecnn.storage.value_types import ValueType, value_type

__all__ = [
    "FORMATS",
    "PAPER_FORMATS",
    "Fit",
    "Format",
    "Geometry",
    "LayerMemory",
    "Mask",
    "NetworkMemory",
    "PackedLayer",
    "PackedNetwork",
    "Shapes",
    "SparseWeight",
    "Storage",
    "ValueType",
    "as_matrix",
    "fits",
    "pack_layer",
    "parse",
    "read_packed",
    "unpack_layer",
    "value_type",
]
