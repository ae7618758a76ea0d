"""Costs that decide what is computed where."""

import pytest

from sparsecnn.runtime import assignment


@pytest.fixture
def all_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """C computes whatever it can."""
    monkeypatch.setattr(assignment, "dense_seconds", lambda *_: 1.0)


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer with an odd number of outputs is torch's."""
    monkeypatch.setattr(assignment, "dense_seconds", lambda step, shapes, *_: 1.0 if shapes[1][1] % 2 else 0.0)
