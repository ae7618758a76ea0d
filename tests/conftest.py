"""Shared by all tests."""

import pytest
import torch
from hypothesis import settings

from sparsecnn.native import warn_once

# Two workers with a pool of threads each would fight over the cores.
torch.set_num_threads(1)
# How long a call takes says nothing here: the first one builds the C code.
settings.register_profile("sparsecnn", deadline=None)
settings.load_profile("sparsecnn")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache, nor configurations from elsewhere."""
    monkeypatch.setenv("SPARSECNN_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("SPARSECNN_CONF_DIR", raising=False)


@pytest.fixture(autouse=True)
def nothing_is_said_yet() -> None:
    """What is said once a process is said once a test."""
    warn_once.cache_clear()
