"""Decoded images kept in one file, so that a set is decoded once."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sparsecnn.cache_dir import cache_dir
from sparsecnn.data.files import size_and_time
from sparsecnn.data.resident import ResidentSplit
from sparsecnn.data.types import DataSet
from sparsecnn.whole_files import replacing

log = logging.getLogger(__name__)

# Raised when the same files are decoded to other tensors than before.
LAYOUT = 2


def cached(sources: Iterable[Path], settings: str, build: Callable[[], DataSet]) -> DataSet:
    """What `build` makes of the files `sources`, which must be resident splits; read back if they have not changed.

    A file is known by its path, size and time. A cache that cannot be read is made anew; one that cannot be written is
    logged and done without. DataError when one of `sources` cannot be reached.
    """
    path = cache_dir() / f"{_name(sources, settings)}.safetensors"
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        log.warning("the cache %s cannot be read and is made anew (%s)", path, error)
    data = build()
    try:
        _write(path, data)
    except OSError as error:
        log.warning("the decoded images cannot be kept: %s", error)
    return data


def _name(sources: Iterable[Path], settings: str) -> str:
    files = [(str(path.resolve()), *size_and_time(path)) for path in sorted(sources)]
    return hashlib.blake2b(json.dumps([LAYOUT, settings, files]).encode(), digest_size=12).hexdigest()


def _read(path: Path) -> DataSet:
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
        splits = {
            split: ResidentSplit(file.get_tensor(f"{split}.images"), file.get_tensor(f"{split}.labels"))
            for split in ("train", "test")
        }
    return DataSet(about["name"], splits["train"], splits["test"], tuple(about["classes"]), about["fingerprint"])


def _write(path: Path, data: DataSet) -> None:
    assert isinstance(data.train, ResidentSplit)
    assert isinstance(data.test, ResidentSplit)
    tensors = {
        "train.images": data.train.images,
        "train.labels": data.train.labels,
        "test.images": data.test.images,
        "test.labels": data.test.labels,
    }
    about = {"name": data.name, "classes": data.classes, "fingerprint": data.fingerprint}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as part:
            save_file(tensors, part, metadata={"about": json.dumps(about)})
    except SafetensorError as error:  # a full disk, among others
        raise OSError(str(error)) from error
