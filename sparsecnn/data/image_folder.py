"""ImageNet's layout: a folder a class."""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torchvision.transforms import v2

from sparsecnn.data.cache import cached
from sparsecnn.data.cuts import CUTS
from sparsecnn.data.decoding import decode_all
from sparsecnn.data.files import size_and_time, user_path
from sparsecnn.data.resident import resident_data_set
from sparsecnn.data.streamed import StreamedSplit, read_rgb
from sparsecnn.data.types import DataSet
from sparsecnn.errors import ConfigError, DataError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
TEST_NAMES = ("test", "val")

# Files and class numbers of one split.
Files = tuple[tuple[Path, ...], np.ndarray]


def load_image_folder(
    folder: str,
    size: int,
    in_memory: Literal["auto", "always", "never"] = "auto",
    max_memory_bytes: int = 2**32,
    workers: int = 2,
    cuts: Literal["usual", "caffe"] = "usual",
) -> DataSet:
    """The set of `train/CLASS/*` and `test/CLASS/*` (or `val/`) in `folder`, at `size` x `size` pixels, RGB.

    A set of at most `max_memory_bytes` is decoded once, cut in the middle and kept in memory; a larger one is streamed
    by `workers` processes, cut at random in training, as `cuts` says (data/cuts.py). Raises DataError in one line that
    names the file or folder.
    """
    if size < 1 or workers < 0:
        raise ConfigError(f"data.size must be at least 1 and data.workers at least 0, got {size} and {workers}")
    if in_memory not in ("auto", "always", "never"):
        raise ConfigError(f"data.in_memory must be auto, always or never, got {in_memory}")
    if cuts not in CUTS:
        raise ConfigError(f"data.cuts must be one of {', '.join(CUTS)}, got {cuts}")
    path = user_path(folder).absolute()  # `.` has no name
    # ImageNet's own test/ has no labels, so no folders: its val/ is meant.
    test_folder = next((path / name for name in TEST_NAMES if _subfolders(path / name)), path / TEST_NAMES[0])
    classes = _classes(path / "train")
    if _classes(test_folder) != classes:
        odd = sorted(set(_classes(test_folder)) ^ set(classes))[0]
        raise DataError(f"{path / 'train'} and {test_folder} differ in their classes: {odd} is in one of them only")
    train, test = _files(path / "train", classes), _files(test_folder, classes)
    needed = (len(train[0]) + len(test[0])) * 3 * size * size
    if in_memory == "always" or (in_memory == "auto" and needed <= max_memory_bytes):
        if cuts != "usual":
            raise ConfigError(f"data.cuts={cuts} is for a streamed set: data.in_memory=never")
        return cached([*train[0], *test[0]], f"{path.name} {size}", lambda: _resident(path, train, test, classes, size))
    splits = [
        StreamedSplit(files, torch.from_numpy(labels), size, is_training, workers, CUTS[cuts])
        for (files, labels), is_training in ((train, True), (test, False))
    ]
    return DataSet(path.name, splits[0], splits[1], tuple(classes), _fingerprint(path, train[0] + test[0], size))


def _classes(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    classes = _subfolders(folder)
    if not classes:
        raise DataError(f"{folder} holds no folder of a class")
    return classes


def _subfolders(folder: Path) -> list[str]:
    try:
        children = list(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from error
    return sorted(child.name for child in children if child.is_dir() and not child.name.startswith("."))


def _files(folder: Path, classes: list[str]) -> Files:
    found = [sorted(path for path in (folder / name).rglob("*") if _is_image(path)) for name in classes]
    for name, files in zip(classes, found, strict=True):
        if not files:
            raise DataError(f"{folder / name} holds no image ({', '.join(ENDINGS)})")
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in found])
    return tuple(path for files in found for path in files), labels


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")  # macOS leaves ._name.jpg beside name.jpg


def _resident(path: Path, train: Files, test: Files, classes: list[str], size: int) -> DataSet:
    arrays = [(_decoded(files, size), labels) for files, labels in (train, test)]
    return resident_data_set(path.name, arrays[0], arrays[1], classes)


def _decoded(files: tuple[Path, ...], size: int) -> np.ndarray:
    # The whole shorter side: an image that has the size already is kept as it is.
    cut = v2.Compose([v2.Resize(size), v2.CenterCrop(size)])
    return decode_all(len(files), lambda index: cut(read_rgb(files[index])), lambda index: str(files[index]))


def _fingerprint(root: Path, files: tuple[Path, ...], size: int) -> str:
    """Names and sizes of all files: their content would take as long to read as an epoch."""
    listed = "\n".join(f"{path.relative_to(root).as_posix()} {size_and_time(path)[0]}" for path in files)
    return hashlib.blake2b(f"{size}\n{listed}".encode(), digest_size=16).hexdigest()
