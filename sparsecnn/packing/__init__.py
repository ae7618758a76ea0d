"""Packed networks: a trained network to a file's content, and back."""

from sparsecnn.packing.fold import fold_batch_norm
from sparsecnn.packing.pack import Outline, Packer, Unpacked, outline_of, packer_of, unpack

__all__ = ["Outline", "Packer", "Unpacked", "fold_batch_norm", "outline_of", "packer_of", "unpack"]
