"""What a network's scores say of labels: one an image, or one a pixel."""

import torch
from torch import Tensor

# Of few classes, five guesses say little.
TOP5_CLASSES = 10


def is_of_pixels(labels: Tensor) -> bool:
    """Whether `labels` are [N, H, W]; else they are [N], or [K, N] of K networks."""
    return labels.dim() == 3


def shares_right(scores: Tensor, labels: Tensor) -> Tensor:
    """The share of the labels of each image that have the greatest score, in [0, 1]: [N], of K networks [K, N].

    Scores are [N, classes] or [K, N, classes] for labels of images, [N, classes, H, W] for labels of pixels.
    """
    if is_of_pixels(labels):
        return (scores.argmax(dim=1) == labels).flatten(1).float().mean(dim=1)
    return (scores.argmax(dim=-1) == labels).float()


class ImageAnswers:
    """Counts right answers for images, of one network or of as many as `networks` says."""

    def __init__(self, device: torch.device, *networks: int) -> None:
        self.right = torch.zeros(*networks, 2, dtype=torch.int64, device=device)
        self.images, self.classes = 0, 0

    def add(self, scores: Tensor, labels: Tensor) -> None:
        """Takes in scores [N, classes], or [K, N, classes] of K networks, and labels [N]."""
        first = scores.argmax(dim=-1) == labels
        five = first
        if scores.shape[-1] > TOP5_CLASSES:
            five = (scores.topk(5, dim=-1).indices == labels.unsqueeze(-1)).any(dim=-1)
        self.right += torch.stack([first, five], dim=-1).sum(dim=-2)
        self.images, self.classes = self.images + len(labels), scores.shape[-1]

    def accuracies(self) -> list[tuple[float, float | None]]:
        """Of each network in percent: labels with the greatest score, and with one of the five greatest.

        The latter is None of at most ten classes.
        """
        shares = [
            (100.0 * one / self.images, 100.0 * five / self.images) for one, five in self.right.view(-1, 2).tolist()
        ]
        return [(one, five if self.classes > TOP5_CLASSES else None) for one, five in shares]


class PixelAnswers:
    """Counts which labels of pixels were taken for which, of one network."""

    def __init__(self) -> None:
        self.confused: Tensor | int = 0

    def add(self, scores: Tensor, labels: Tensor) -> None:
        """Takes in scores [N, classes, H, W] and labels [N, H, W]."""
        classes = scores.shape[1]
        pairs = (labels * classes + scores.argmax(dim=1)).flatten()
        self.confused = self.confused + torch.bincount(pairs, minlength=classes * classes).view(classes, classes)

    def accuracies(self) -> list[tuple[float, float | None]]:
        """In percent the mean over classes of intersection over union, and no other.

        With few pixels of most classes, the share of right pixels would say little. A class that neither was nor was
        found is left out. Source: the measure of the PASCAL VOC segmentation challenge (Everingham et al. 2010).
        """
        assert isinstance(self.confused, Tensor)
        counts = self.confused.double()
        right = counts.diagonal()
        union = counts.sum(dim=0) + counts.sum(dim=1) - right
        return [(100.0 * float((right / union)[union > 0].mean()), None)]


def rarities(labels: Tensor) -> Tensor:
    """One less the share of each class in `labels`, float32 [classes]; every class has a label."""
    return 1 - torch.bincount(labels.flatten()).float() / labels.numel()
