"""Accuracy and loss of a network on a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparsecnn.data import Split
from sparsecnn.training.answers import ImageAnswers, PixelAnswers, is_of_pixels
from sparsecnn.training.placement import Placement
from sparsecnn.training.stack import Stack, cross_entropies

BATCH_SIZE = 500


@dataclass(frozen=True)
class Evaluation:
    """`accuracy` in percent, `loss` the mean cross-entropy of a label in nats.

    Accuracy is top-1, or of labels of pixels the mean over classes of intersection over union. `top5_accuracy` in
    percent counts labels among the five greatest scores; None of at most ten classes and of pixels.
    """

    accuracy: float
    loss: float
    top5_accuracy: float | None = None


def evaluate(
    model: nn.Module, split: Split, *, preprocess: Callable[[Tensor], Tensor], placement: Placement
) -> Evaluation:
    """`model` in evaluation mode on every image of `split`; its mode is put back afterwards."""
    was_training = model.training
    model.eval()
    answers = PixelAnswers() if is_of_pixels(split.labels) else ImageAnswers(placement.device)
    loss = torch.zeros((), dtype=torch.float64, device=placement.device)
    with torch.no_grad():
        for images, labels in split.batches(torch.arange(len(split)), BATCH_SIZE, None):
            with placement.autocast():
                scores = model(preprocess(images))
            answers.add(scores, labels)
            loss += nn.functional.cross_entropy(scores.float(), labels, reduction="sum")
    model.train(was_training)
    ((accuracy, top5_accuracy),) = answers.accuracies()
    return Evaluation(accuracy, float(loss) / split.labels.numel(), top5_accuracy)


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
    answers = ImageAnswers(placement.device, len(models))
    loss = torch.zeros(len(models), dtype=torch.float64, device=placement.device)
    size = max(1, BATCH_SIZE // len(models))
    with torch.no_grad():
        for images, labels in split.batches(torch.arange(len(split)), size, None):
            with placement.autocast():
                scores = stack.scores_of_same(preprocess(images))
            answers.add(scores, labels)
            loss += cross_entropies(scores.float(), labels.expand(len(models), -1)).sum(dim=1)
    return [
        Evaluation(accuracy, lost / len(split), top5_accuracy)
        for (accuracy, top5_accuracy), lost in zip(answers.accuracies(), loss.tolist(), strict=True)
    ]
