"""Accuracy and loss of a network on a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparsecnn.data import Split
from sparsecnn.training.answers import accuracy, confusion, is_of_pixels
from sparsecnn.training.placement import Placement
from sparsecnn.training.stack import Stack, cross_entropies

BATCH_SIZE = 500


@dataclass(frozen=True)
class Evaluation:
    """`accuracy` in percent, `loss` the mean cross-entropy in nats.

    Accuracy is top-1, or of labels of pixels the mean over classes of intersection over union.
    """

    accuracy: float
    loss: float


def evaluate(
    model: nn.Module, split: Split, *, preprocess: Callable[[Tensor], Tensor], placement: Placement
) -> Evaluation:
    """`model` in evaluation mode on every image of `split`; its mode is put back afterwards."""
    was_training = model.training
    model.eval()
    confused: Tensor | int = 0
    loss = torch.zeros((), dtype=torch.float64, device=placement.device)
    with torch.no_grad():
        for images, labels in split.batches(torch.arange(len(split)), BATCH_SIZE, None):
            with placement.autocast():
                scores = model(preprocess(images))
            confused = confused + confusion(scores, labels)
            loss += nn.functional.cross_entropy(scores.float(), labels, reduction="sum")
    model.train(was_training)
    assert isinstance(confused, Tensor)
    percent = accuracy(confused, of_pixels=is_of_pixels(split.labels))
    return Evaluation(percent, float(loss) / split.labels.numel())


def evaluate_cohort(
    models: Sequence[nn.Module], split: Split, *, preprocess: Callable[[Tensor], Tensor], placement: Placement
) -> list[Evaluation]:
    """`evaluate` of each of `models`, which are of one architecture, up to float32 rounding: all of them at once.

    Batches are smaller the more networks there are, so that they need the memory of one.
    """
    were_training = [model.training for model in models]
    stack = Stack.of([model.eval() for model in models])
    for model, was_training in zip(models, were_training, strict=True):
        model.train(was_training)
    correct = torch.zeros(len(models), dtype=torch.int64, device=placement.device)
    loss = torch.zeros(len(models), dtype=torch.float64, device=placement.device)
    size = max(1, BATCH_SIZE // len(models))
    with torch.no_grad():
        for images, labels in split.batches(torch.arange(len(split)), size, None):
            with placement.autocast():
                scores = stack.scores_of_same(preprocess(images))
            correct += (scores.argmax(dim=2) == labels).sum(dim=1)
            loss += cross_entropies(scores.float(), labels.expand(len(models), -1)).sum(dim=1)
    return [
        Evaluation(100.0 * right / len(split), lost / len(split))
        for right, lost in zip(correct.tolist(), loss.tolist(), strict=True)
    ]
