"""Packed networks: a trained network to a file's content, and back."""

from sparsecnn.packing.ensemble import joined
from sparsecnn.packing.fine_tune import Quantised
from sparsecnn.packing.fold import Folded, fold_batch_norm
from sparsecnn.packing.pack import Outline, Packer, Unpacked, bits_in, outline_of, packer_of, trainable, unpack
from sparsecnn.packing.pixels import pixels_note, preprocessing_of
from sparsecnn.packing.tables import format_table, layer_table

__all__ = [
    "Folded",
    "Outline",
    "Packer",
    "Quantised",
    "Unpacked",
    "bits_in",
    "fold_batch_norm",
    "format_table",
    "joined",
    "layer_table",
    "outline_of",
    "packer_of",
    "pixels_note",
    "preprocessing_of",
    "trainable",
    "unpack",
]
