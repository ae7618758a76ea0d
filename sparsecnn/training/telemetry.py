"""What is recorded of each epoch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from sparsecnn.training.answers import shares_right
from sparsecnn.training.losses import StepLoss


@dataclass(frozen=True)
class LayerEpoch:
    """One layer at the end of an epoch.

    `turnover` is the share of the kept positions that were not kept when the epoch began, in [0, 1]; 0 means that the
    epoch trained a fixed mask.
    """

    layer: str
    nonzeros: int
    turnover: float


@dataclass(frozen=True)
class Epoch:
    """One epoch (or the part of it that was trained); accuracies in percent, `learning_rate` that of its last step.

    Training loss and accuracy are means over the epoch's batches as they were seen, before each step. Validation
    columns are None when no validation was asked for. `losses` are those by steps whose window ended in the epoch; none
    unless the trainer has `loss_every`.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    learning_rate: float
    val_loss: float | None
    val_accuracy: float | None
    layers: tuple[LayerEpoch, ...]
    losses: tuple[StepLoss, ...] = ()


def epoch_values(epoch: Epoch) -> dict[str, Any]:
    """An epoch as plain values, which `epoch_from` turns back."""
    return asdict(epoch)


def epoch_from(values: Mapping[str, Any]) -> Epoch:
    """The epoch of `epoch_values`, or of what an older version kept."""
    layers = tuple(LayerEpoch(**layer) for layer in values["layers"])
    losses = tuple(StepLoss(**loss) for loss in values.get("losses", ()))
    return Epoch(**{**values, "layers": layers, "losses": losses})


class RunningMean:
    """Sums of loss and correct answers on the device, read once an epoch; of several networks, one sum each."""

    def __init__(self, loss: Tensor, correct: Tensor, count: int = 0) -> None:
        self.loss, self.correct, self.count = loss, correct, count

    @classmethod
    def zero(cls, device: torch.device, *networks: int) -> "RunningMean":
        """Nothing seen yet, of one network or of as many as `networks` says."""
        return cls(torch.zeros(networks, device=device), torch.zeros(networks, device=device))

    def add(self, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Takes in one batch: its mean loss, and scores and labels as `shares_right` takes them."""
        right = shares_right(scores.detach(), labels)
        images = right.shape[-1]
        self.loss += loss.detach() * images
        self.correct += right.sum(dim=-1)
        self.count += images

    def add_up_(self) -> None:
        """Makes the sums those of all processes that train a network together."""
        dist.all_reduce(self.loss)
        dist.all_reduce(self.correct)
        self.count *= dist.get_world_size()

    def gather_(self, rank: int) -> None:
        """Leaves the sums of all processes that train a network together with the first one; counts stay."""
        for total in (self.loss, self.correct):
            dist.all_reduce(total)
        if rank:
            self.clear_()

    def clear_(self) -> None:
        """Forgets the sums, not the count."""
        self.loss.zero_()
        self.correct.zero_()

    def each(self) -> list["RunningMean"]:
        """One for each of several networks, on the CPU."""
        sums = zip(self.loss.cpu(), self.correct.cpu(), strict=True)
        return [RunningMean(loss, correct, self.count) for loss, correct in sums]

    def sums(self) -> dict[str, Tensor | int]:
        """All that it holds, to be kept."""
        return {"loss": self.loss, "correct": self.correct, "count": self.count}

    def restore_(self, sums: Mapping[str, Any]) -> None:
        """Goes on from `sums()`."""
        self.loss.copy_(sums["loss"])
        self.correct.copy_(sums["correct"])
        self.count = sums["count"]

    @property
    def mean_loss(self) -> float:
        """In nats, of one network."""
        return float(self.loss) / self.count

    @property
    def accuracy(self) -> float:
        """In percent, of one network."""
        return 100.0 * float(self.correct) / self.count


@dataclass(frozen=True)
class EpochEnd:
    """Where a training stands behind an epoch: `rate` is that of its last step, `before` the supports it began with."""

    epoch: int
    step: int
    rate: float
    seen: RunningMean
    before: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    losses: tuple[StepLoss, ...] = ()

    def record(self) -> Epoch:
        """The epoch, without validation."""
        return Epoch(
            epoch=self.epoch,
            step=self.step,
            train_loss=self.seen.mean_loss,
            train_accuracy=self.seen.accuracy,
            learning_rate=self.rate,
            val_loss=None,
            val_accuracy=None,
            layers=layer_epochs(self.before, supports(self.weights)),
            losses=self.losses,
        )


def supports(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Which positions of each layer are kept."""
    return {name: weight.detach() != 0 for name, weight in weights.items()}


def layer_epochs(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> tuple[LayerEpoch, ...]:
    """Nonzeros and turnover of each layer between two supports."""
    rows = []
    for name, kept in after.items():
        nonzeros = int(kept.sum())
        new = int((kept & ~before[name]).sum())
        rows.append(LayerEpoch(name, nonzeros, new / nonzeros if nonzeros else 0.0))
    return tuple(rows)
