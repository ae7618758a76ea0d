"""Sets that torchvision downloads and checks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torchvision

from sparsecnn.data.files import user_path
from sparsecnn.data.resident import resident_data_set
from sparsecnn.data.types import DataSet
from sparsecnn.errors import DataError


def mnist(root: str) -> DataSet:
    """MNIST: 28 x 28 grey digits in 10 classes, 60,000 + 10,000; downloaded into `root` if it is not there."""
    return _load(torchvision.datasets.MNIST, "mnist", root)


def fashion_mnist(root: str) -> DataSet:
    """Fashion-MNIST: 28 x 28 grey clothes in 10 classes, 60,000 + 10,000; downloaded into `root`."""
    return _load(torchvision.datasets.FashionMNIST, "fashion_mnist", root)


def cifar10(root: str) -> DataSet:
    """CIFAR-10: 32 x 32 colour images in 10 classes, 50,000 + 10,000; downloaded into `root`."""
    return _load(torchvision.datasets.CIFAR10, "cifar10", root)


def cifar100(root: str) -> DataSet:
    """CIFAR-100: 32 x 32 colour images in 100 classes, 50,000 + 10,000; downloaded into `root`."""
    return _load(torchvision.datasets.CIFAR100, "cifar100", root)


def stl10(root: str) -> DataSet:
    """STL-10: 96 x 96 colour images in 10 classes, 5,000 + 8,000; downloaded into `root` with 100,000 unlabelled."""
    return _load(_stl10, "stl10", root)


def _stl10(root: str, *, train: bool, download: bool) -> Any:
    """A part of STL-10 with the names and the order of axes of the other sets."""
    part: Any = torchvision.datasets.STL10(root, split="train" if train else "test", download=download)
    part.data, part.targets = part.data.transpose(0, 2, 3, 1), part.labels
    return part


def _load(source: Callable[..., Any], name: str, root: str) -> DataSet:
    folder = user_path(root)
    try:
        parts = [source(str(folder), train=is_train, download=True) for is_train in (True, False)]
    except Exception as error:  # torchvision's readers raise anything on a corrupt file, AssertionError among others
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{name} is not whole in {folder} and cannot be downloaded ({reason}); "
            "data=parquet data.folder=... reads a copy of your own"
        ) from error
    arrays = [(np.asarray(part.data), np.asarray(part.targets)) for part in parts]
    return resident_data_set(name, arrays[0], arrays[1], [str(label) for label in parts[0].classes])
