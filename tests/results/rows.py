"""A row to be changed."""

import dataclasses

from sparsecnn.results import CandidateRow

ROW = CandidateRow(
    run="r",
    key="k0",
    parent=None,
    number=0,
    round=0,
    phase="base",
    layer=None,
    status="ok",
    accepted=False,
    seed=0,
    epochs=2.5,
    steps=10,
    train_images=100,
    train_seconds=1.0,
    nonzeros=10,
    weights=10,
    memory_bytes=40,
    dense_bytes=40,
    val_accuracy=90.0,
    val_loss=0.5,
    test_accuracy=89.0,
    test_loss=0.6,
    test_top5_accuracy=None,
    model="m",
    data="d",
    regularizer="none",
    allocation="dense",
    layer_nonzeros='{"a": 10}',
    layer_weights='{"a": 10}',
    layer_shapes='{"a": [2, 5]}',
    layer_bits="{}",
    multiply_adds=10,
    inference_bytes=28,
    training_bytes=56,
    budgets='{"a": 10}',
    formats='{"a": "dense"}',
    members=None,
    error=None,
    started_at="2026-01-01T00:00:00+00:00",
)


def row(number: int, **changes: object) -> CandidateRow:
    return dataclasses.replace(ROW, key=f"k{number}", number=number, **changes)  # type: ignore[arg-type]
