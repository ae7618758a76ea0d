"""What a network's scores say of labels: one an image, or one a pixel."""

import torch
from torch import Tensor


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


def confusion(scores: Tensor, labels: Tensor) -> Tensor:
    """How many labels of class i (a row) got the greatest score of class j: int64 [classes, classes]."""
    classes = scores.shape[1]
    pairs = (labels * classes + scores.argmax(dim=1)).flatten()
    return torch.bincount(pairs, minlength=classes * classes).view(classes, classes)


def accuracy(confused: Tensor, *, of_pixels: bool) -> float:
    """In percent: right labels of all, or of pixels the mean over classes of intersection over union.

    With few pixels of most classes, the share of right pixels would say little. A class that neither was nor was found
    is left out. Source: the measure of the PASCAL VOC segmentation challenge (Everingham et al. 2010).
    """
    counts = confused.double()
    right = counts.diagonal()
    if not of_pixels:
        return 100.0 * float(right.sum()) / float(counts.sum())
    union = counts.sum(dim=0) + counts.sum(dim=1) - right
    return 100.0 * float((right / union)[union > 0].mean())


def rarities(labels: Tensor) -> Tensor:
    """One less the share of each class in `labels`, float32 [classes]; every class has a label."""
    return 1 - torch.bincount(labels.flatten()).float() / labels.numel()
