"""Rows as a search leaves them, small enough to check by hand."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
from results.rows import ROW

from sparsecnn.report import Source
from sparsecnn.results import EpochRow

SIZES = {"conv1": 100, "ip1": 900}
BASE = {
    "run": "tiny",
    "key": "base",
    "accepted": True,
    "epochs": 2.0,
    "nonzeros": 1000,
    "weights": 1000,
    "memory_bytes": 4040,
    "dense_bytes": 4040,
    "model": "small",
    "data": "digits",
    "regularizer": "l0_projection",
    "allocation": "",
    **{name: json.dumps(SIZES) for name in ("layer_nonzeros", "layer_weights", "budgets")},
    "formats": json.dumps(dict.fromkeys(SIZES, "dense")),
}
Row = dict[str, object]


def _row(**changed: object) -> Row:
    return {**asdict(ROW), **BASE, **changed}


def _tightened(number: int, val: float, memory: int, **changed: object) -> Row:
    kept = {"conv1": 100, "ip1": 900 - 200 * number}
    facts: Row = {
        "key": f"k{number}",
        "parent": "base",
        "number": number,
        "round": number,
        "phase": "candidate",
        "layer": "ip1",
        "accepted": False,
        "epochs": 0.5,
        "val_accuracy": val,
        "test_accuracy": val - 2.0,
        "memory_bytes": memory,
        "nonzeros": sum(kept.values()),
        "layer_nonzeros": json.dumps(kept),
        "budgets": json.dumps(kept),
        "formats": json.dumps({"conv1": "dense", "ip1": "bitmask"}),
    }
    return _row(**{**facts, **changed})


def _epoch(key: str, epoch: int, loss: float, val: float | None, run: str = "tiny") -> Row:
    return asdict(EpochRow(run, key, epoch, 10 * epoch, 0.1, loss, 50.0, 0.5, val))


@pytest.fixture
def row() -> Callable[..., Row]:
    """The row of a dense base, with other values by name."""
    return _row


@pytest.fixture
def tightened() -> Callable[..., Row]:
    """The row of a candidate from its number, validation accuracy and bytes; test is two points below."""
    return _tightened


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Source]:
    """A source of rows and epochs without a folder."""

    def build(rows: Sequence[Row], epochs: Sequence[Row] = (), **beside: object) -> Source:
        return Source(tmp_path / "tiny", pd.DataFrame(rows), pd.DataFrame(epochs), **beside)  # type: ignore[arg-type]

    return build


@pytest.fixture
def search(source: Callable[..., Source]) -> Source:
    """A base of two epochs, an accepted network below 1/2 of it, one that failed and one that was interrupted."""
    lost = dict.fromkeys(["val_accuracy", "test_accuracy", "memory_bytes", "nonzeros", "layer_nonzeros", "formats"])
    rows = [
        _row(),
        _tightened(1, 88.5, 2000, accepted=True),
        _tightened(2, 85.0, 1500),
        _tightened(3, 0.0, 0, **lost, status="failed", error="the loss on validation is not finite"),
        _tightened(4, 0.0, 0, **lost, status="interrupted"),
    ]
    epochs = [_epoch("base", 1, 1.0, 80.0), _epoch("base", 2, 0.5, 90.0), _epoch("k1", 1, 0.6, 88.5)]
    return source(rows, epochs)
