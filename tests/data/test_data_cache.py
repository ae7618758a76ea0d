"""Decoded images kept in a file."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from sparsecnn.data import DataSet, ResidentSplit, cache, resident_data_set


def built() -> DataSet:
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    return resident_data_set("set", (images, np.array([0, 1, 0])), (images[:1], np.array([1])), ["a", "b"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"encoded")
    return path


class Counted:
    """A build that counts how often it is asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> DataSet:
        self.count += 1
        return built()


def test_the_second_time_the_file_is_read_instead(source: Path) -> None:
    build = Counted()
    first, second = (cache.cached([source], "", build) for _ in range(2))
    assert build.count == 1
    assert (second.name, second.classes, second.fingerprint) == (first.name, first.classes, first.fingerprint)
    for split in ("train", "test"):
        one, other = getattr(first, split), getattr(second, split)
        assert isinstance(other, ResidentSplit)
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.labels, other.labels)


def test_the_cache_is_one_file_and_nothing_else(source: Path, cache_folder: Path) -> None:
    cache.cached([source], "", built)
    assert [path.suffix for path in cache_folder.iterdir()] == [".safetensors"]


def test_other_settings_another_size_and_another_time_build_anew(source: Path) -> None:
    build = Counted()
    cache.cached([source], "", build)
    cache.cached([source], "size 32", build)
    source.write_bytes(b"longer than before")
    cache.cached([source], "", build)
    os.utime(source, ns=(1, 1))
    cache.cached([source], "", build)
    assert build.count == 4


def damage(path: Path, how: str) -> None:
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-5])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        save_file(
            {"train.images": torch.zeros(1)}, path, metadata={"about": "{}"} if how == "of another kind" else None
        )


@pytest.mark.parametrize("how", ["truncated", "empty", "of another kind", "without metadata"])
def test_a_damaged_cache_is_made_anew_with_a_warning(
    how: str, source: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build = Counted()
    cache.cached([source], "", build)
    (path,) = cache_folder.iterdir()
    damage(path, how)
    with caplog.at_level(logging.WARNING):
        assert cache.cached([source], "", build).fingerprint == built().fingerprint
    assert f"the cache {path} cannot be read and is made anew" in caplog.text
    cache.cached([source], "", build)
    assert build.count == 2


def test_a_cache_folder_that_cannot_be_made_costs_a_warning_only(
    source: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache_folder.write_bytes(b"a file where the folder should be")
    assert len(cache.cached([source], "", built).train) == 3
    assert "the decoded images cannot be kept" in caplog.text


def test_a_write_that_fails_leaves_no_file_behind(
    source: Path, cache_folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_full(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(cache, "save_file", disk_full)
    assert len(cache.cached([source], "", built).train) == 3
    assert "the decoded images cannot be kept: No space left on device" in caplog.text
    assert list(cache_folder.iterdir()) == []


def test_without_the_variable_the_cache_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("SPARSECNN_CACHE_DIR")
    assert cache.cache_dir() == Path("/home/somebody/.cache/sparsecnn")
    monkeypatch.setenv("SPARSECNN_CACHE_DIR", "~/kept")
    assert cache.cache_dir() == Path("/home/somebody/kept")
