"""Data sets: images as bytes, in memory or streamed, and how they become batches."""

from sparsecnn.data.augment import FlipAndCrop, flip_and_crop
from sparsecnn.data.digits import load_digits
from sparsecnn.data.holdout import cut_validation, hold_out
from sparsecnn.data.parquet import load_parquet
from sparsecnn.data.preprocessing import Preprocessing, imagenet, standardize, subtract_mean_image, unit_range
from sparsecnn.data.resident import ResidentSplit, resident_data_set
from sparsecnn.data.types import DataSet, Split

__all__ = [
    "DataSet",
    "FlipAndCrop",
    "Preprocessing",
    "ResidentSplit",
    "Split",
    "cut_validation",
    "flip_and_crop",
    "hold_out",
    "imagenet",
    "load_digits",
    "load_parquet",
    "resident_data_set",
    "standardize",
    "subtract_mean_image",
    "unit_range",
]
