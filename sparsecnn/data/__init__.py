"""Data sets: images as bytes, in memory or streamed, and how they become batches."""

from sparsecnn.data.augment import FlipAndCrop
from sparsecnn.data.digits import load_digits
from sparsecnn.data.holdout import cut_train, cut_validation, hold_out
from sparsecnn.data.image_folder import load_image_folder
from sparsecnn.data.parquet import load_parquet
from sparsecnn.data.preprocessing import Preprocessing, imagenet, standardize, subtract_mean_image, unit_range
from sparsecnn.data.qtips import load_qtips
from sparsecnn.data.resident import ResidentSplit, resident_data_set
from sparsecnn.data.streamed import StreamedSplit
from sparsecnn.data.torchvision_sets import cifar10, cifar100, fashion_mnist, mnist, stl10
from sparsecnn.data.types import DataSet, Split

__all__ = [
    "DataSet",
    "FlipAndCrop",
    "Preprocessing",
    "ResidentSplit",
    "Split",
    "StreamedSplit",
    "cifar10",
    "cifar100",
    "cut_train",
    "cut_validation",
    "fashion_mnist",
    "hold_out",
    "imagenet",
    "load_digits",
    "load_image_folder",
    "load_parquet",
    "load_qtips",
    "mnist",
    "resident_data_set",
    "standardize",
    "stl10",
    "subtract_mean_image",
    "unit_range",
]
