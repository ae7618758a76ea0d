"""Shared by all tests: a cache of their own, a small network, a few images."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sparsecnn.data import DataSet, resident_data_set

# Two workers with a pool of threads each would fight over the cores.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, nor configurations from elsewhere."""
    monkeypatch.setenv("SPARSECNN_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("SPARSECNN_CONF_DIR", raising=False)


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


def two_layer_net(classes: int = 2) -> nn.Sequential:
    """A convolution of 2 x 1 x 3 x 3 and a linear layer of classes x 32, for 4 x 4 images of one channel."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 4 * 4, classes, bias=True)
    )


def bright_and_dark(count: int = 64) -> DataSet:
    """Images of 4 x 4 pixels, bright above or bright below: two classes that a linear map tells apart."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = random.integers(0, 100, (count, 4, 4), dtype=np.uint8)
    images[labels == 0, :2] += 120
    images[labels == 1, 2:] += 120
    half = count // 2
    return resident_data_set("bars", (images[:half], labels[:half]), (images[half:], labels[half:]), ["up", "down"])


def child_environment(**changes: str) -> dict[str, str]:
    """The environment of a subprocess: one thread, no colours, wide lines."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200", **changes}
