"""Accuracy and loss of a network on a split."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparsecnn.data import Split
from sparsecnn.training.placement import Placement

BATCH_SIZE = 500


@dataclass(frozen=True)
class Evaluation:
    """`accuracy` in percent (top-1), `loss` the mean cross-entropy in nats."""

    accuracy: float
    loss: float


def evaluate(
    model: nn.Module, split: Split, *, preprocess: Callable[[Tensor], Tensor], placement: Placement
) -> Evaluation:
    """`model` in evaluation mode on every image of `split`; its mode is put back afterwards."""
    was_training = model.training
    model.eval()
    correct = torch.zeros((), dtype=torch.int64, device=placement.device)
    loss = torch.zeros((), dtype=torch.float64, device=placement.device)
    with torch.no_grad():
        for images, labels in split.batches(torch.arange(len(split)), BATCH_SIZE, None):
            with placement.autocast():
                scores = model(preprocess(images))
            correct += (scores.argmax(dim=1) == labels).sum()
            loss += nn.functional.cross_entropy(scores.float(), labels, reduction="sum")
    model.train(was_training)
    return Evaluation(100.0 * int(correct) / len(split), float(loss) / len(split))
