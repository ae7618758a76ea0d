"""From a packed file to a network that runs."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
from torch import Tensor

from sparsecnn.errors import DataError
from sparsecnn.packing import fold_batch_norm, outline_of
from sparsecnn.runtime.network import SparseNetwork
from sparsecnn.runtime.structures import kernels
from sparsecnn.storage import PackedNetwork, SparseWeight, read_packed, unpack_layer

log = logging.getLogger(__name__)


def load(path: str | Path) -> SparseNetwork:
    """The network of a packed file, ready to compute; nothing of its layers is made dense unless that is faster.

    DataError for a file that is missing or damaged, or that holds no program.
    """
    return sparse_network(read_packed(Path(path)))


def sparse_network(packed: PackedNetwork) -> SparseNetwork:
    """The network that `packed` holds; DataError when it is damaged or has no program."""
    try:
        outline = outline_of(packed)
        weights = {layer.name: unpack_layer(layer) for layer in packed.layers}
    except ValueError as error:
        raise DataError(f"the packed network is damaged: {error}") from error
    if outline.program is None or outline.image_shape is None:
        raise DataError(
            "the file holds weights without the network's program, so it cannot be run; "
            "`sparsecnn unpack` turns it into a state dict that the network's own code can load"
        )
    if kernels() is None:
        log.warning("without a C compiler the network runs in torch from dense weights, which is slower")
    folded = fold_batch_norm(outline.program, outline.others)
    return SparseNetwork(folded.program, _scaled(weights, folded.factors), folded.others, outline.image_shape)


def _scaled(weights: Mapping[str, SparseWeight], factors: Mapping[str, Tensor]) -> dict[str, SparseWeight]:
    """The weights with their rows multiplied."""
    scaled = dict(weights)
    for name, factor in factors.items():
        weight = weights[name]
        rows = weight.positions // max(prod(weight.shape[1:]), 1)
        scaled[name] = replace(weight, values=(weight.values * factor.numpy()[rows]).astype(np.float32))
    return scaled
