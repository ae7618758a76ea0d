"""The columns of the results tables: one field a column, names with units."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["base", "start", "screened", "rung", "candidate", "refined", "train", "member", "ensemble"]
# "early": measured before the end of its training.
Status = Literal["ok", "early", "failed", "interrupted"]


@dataclass(frozen=True)
class CandidateRow:
    """One network that was trained, or failed to be.

    `number` counts the networks of one seed in the order of the search, `round` its rounds from 1; the dense base is
    round 0. `epochs` is how long it was trained, `steps` how many optimizer steps are this row's own: a candidate that
    goes on where its row of phase rung ended takes the remaining ones. `train_images` are those of the train split. A
    row of phase ensemble is of several networks: `members`, a JSON list of keys. Accuracies are in percent, losses in
    nats; they are None where nothing was measured, that of five guesses also where there are at most ten classes.
    `layer_nonzeros`, `layer_weights`, `layer_shapes` (of the weights, outputs first), `layer_bits` (of values in layers
    that quantise their weights themselves), `budgets` and `formats` are JSON objects by layer name, in network order.
    Every column but `train_seconds` and `started_at` (UTC, ISO 8601) is a result: it is the same whenever the same
    command runs on the same machine.
    """

    run: str
    key: str
    parent: str | None
    number: int
    round: int
    phase: Phase
    layer: str | None
    status: Status
    accepted: bool
    seed: int
    epochs: float
    steps: int
    train_images: int | None
    train_seconds: float
    nonzeros: int | None
    weights: int
    memory_bytes: int | None
    dense_bytes: int
    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    test_top5_accuracy: float | None
    model: str
    data: str
    regularizer: str
    allocation: str
    layer_nonzeros: str | None
    layer_weights: str
    layer_shapes: str | None
    layer_bits: str | None
    multiply_adds: int | None
    inference_bytes: int | None
    training_bytes: int | None
    budgets: str
    formats: str | None
    members: str | None
    error: str | None
    started_at: str


@dataclass(frozen=True)
class EpochRow:
    """One epoch of one network; accuracies in percent, losses in nats."""

    run: str
    key: str
    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None


@dataclass(frozen=True)
class LayerEpochRow:
    """One layer of one network at the end of one epoch.

    `turnover` is the share of the kept positions that were not kept when the epoch began, in [0, 1].
    """

    run: str
    key: str
    epoch: int
    layer: str
    nonzeros: int
    turnover: float


@dataclass(frozen=True)
class LossRow:
    """The mean training loss (nats) of one network over the images of its steps behind the row before, up to `step`."""

    run: str
    key: str
    step: int
    train_loss: float
