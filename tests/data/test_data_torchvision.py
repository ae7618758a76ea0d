"""Downloads, with torchvision's classes replaced: nothing is fetched."""

from pathlib import Path
from typing import Any, ClassVar
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision

from sparsecnn.data import ResidentSplit, cifar10, cifar100, fashion_mnist, mnist, stl10
from sparsecnn.errors import DataError

GREY = {"MNIST": mnist, "FashionMNIST": fashion_mnist}
COLOURED = {"CIFAR10": cifar10, "CIFAR100": cifar100}


class Fake:
    """Two train images, of 0 and 1, and one test image, of 2; the last argument wanted is the download."""

    classes: ClassVar[list[str]] = ["cat", "dog"]
    roots: ClassVar[list[str]] = []

    def __init__(self, root: str, *, train: bool, download: bool) -> None:
        assert download
        self.roots.append(root)
        self.values, self.targets = ([0, 1], [0, 1]) if train else ([2], [1])


class FakeGrey(Fake):
    @property
    def data(self) -> torch.Tensor:
        return torch.tensor(self.values, dtype=torch.uint8).view(-1, 1, 1).expand(-1, 28, 28)


class FakeColoured(Fake):
    @property
    def data(self) -> np.ndarray:
        return np.zeros((1, 32, 32, 3), np.uint8) + np.array(self.values, np.uint8)[:, None, None, None]


@pytest.mark.parametrize("name", [*GREY, *COLOURED])
def test_arrays_labels_and_names_are_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets, name, FakeGrey if name in GREY else FakeColoured)
    data = {**GREY, **COLOURED}[name]("somewhere")
    assert data.image_shape == ((1, 28, 28) if name in GREY else (3, 32, 32))
    assert data.classes == ("cat", "dog")
    assert data.train.labels.tolist() == [0, 1]
    assert isinstance(data.test, ResidentSplit)
    assert data.test.images.unique().tolist() == [2]


class FakeStl:
    """Two train images and one test image, channels first, with a mark in row 1, column 2 of the red channel."""

    classes: ClassVar[list[str]] = ["cat", "dog"]

    def __init__(self, root: str, *, split: str, download: bool) -> None:
        assert download
        self.labels = np.array({"train": [0, 1], "test": [1]}[split], np.uint8)
        self.data = np.zeros((len(self.labels), 3, 96, 96), np.uint8)
        self.data[:, 0, 1, 2] = 7


def test_images_of_stl10_are_turned_to_the_order_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets, "STL10", FakeStl)
    data = stl10("somewhere")
    assert (data.image_shape, data.classes) == ((3, 96, 96), ("cat", "dog"))
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0, 1], [1])
    assert isinstance(data.test, ResidentSplit)
    assert data.test.images.nonzero().tolist() == [[0, 1, 2, 0]]  # [N, H, W, C]


def test_the_root_may_be_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(torchvision.datasets, "MNIST", FakeGrey)
    mnist("~/sets")
    assert Fake.roots[-1] == "/home/somebody/sets"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError("no route to host"), "no route to host"),
        (RuntimeError("File not found or corrupted.\nSecond line"), "File not found or corrupted."),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_any_failure_is_one_line_that_says_what_to_do(
    error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    with pytest.raises(DataError) as raised:
        cifar10(str(tmp_path))
    message = str(raised.value)
    assert message.startswith(f"cifar10 is not whole in {tmp_path} and cannot be downloaded")
    assert reason in message
    assert message.endswith("data=parquet data.folder=... reads a copy of your own")
    assert "\n" not in message


def test_corrupt_files_that_torchvision_does_not_check_are_a_data_error(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"\x12\x34\x56\x78" * 50)
    with pytest.raises(DataError, match="mnist is not whole"):
        mnist(str(tmp_path))
