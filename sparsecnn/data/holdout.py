"""The validation split, held out of train, and a share of what stays."""

import math

import numpy as np
import torch
from torch import Tensor

from sparsecnn.data.types import Split
from sparsecnn.errors import ConfigError


def hold_out(labels: Tensor, share_or_count: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of what stays in train and of what is held out, both sorted.

    A share in (0, 1), or a count of images as an int. The draw is stratified: the held-out total is exact (a share of
    all, rounded), and every class gives its own share of it, largest remainders first. At least one image of every
    class stays. ConfigError when nothing would be held out, or more than the classes can give.
    """
    if seed < 0:
        raise ConfigError(f"the seed of a held-out split must be at least 0, got {seed}")
    values, counts = np.unique(labels.cpu().numpy(), return_counts=True)
    taken = _apportion(counts, *_share_and_total(share_or_count, len(labels), len(values)))
    random = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for value, count in zip(values, taken, strict=True):
        held[random.permutation(np.flatnonzero(labels.cpu().numpy() == value))[:count]] = True
    return torch.from_numpy(np.flatnonzero(~held)), torch.from_numpy(np.flatnonzero(held))


def cut_validation(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """The train and the validation part of `split`; the latter is shown without random cuts. `share` is in (0, 1).

    Of labels of pixels the draw is not stratified.
    """
    if not 0 < share < 1:
        raise ConfigError(f"validation.share must be in [0, 1), got {share}")
    stays, held = hold_out(_classes(split.labels), share, seed)
    return split.select(stays), split.evaluation().select(held)


def cut_train(split: Split, share: float, seed: int) -> Split:
    """The share of the images of every class of `split` that is trained on; `share` is in (0, 1).

    Each class gives its share, rounded, half an image being one: under one seed the images of a smaller share lie
    within those of a larger one, and stay in their order. ConfigError for a share that leaves a class without an image.
    """
    if not 0 < share < 1:
        raise ConfigError(f"train_split.share must be in (0, 1], got {share}")
    if seed < 0:
        raise ConfigError(f"train_split.seed must be at least 0, got {seed}")
    labels, random = _classes(split.labels).cpu().numpy(), np.random.default_rng(seed)
    kept = np.zeros(len(labels), dtype=bool)
    for value, count in zip(*np.unique(labels, return_counts=True), strict=True):
        taken = math.floor(share * count + 0.5)
        if taken == 0:
            raise ConfigError(f"train_split.share = {share} of the {count} images of class {value} is none")
        kept[random.permutation(np.flatnonzero(labels == value))[:taken]] = True
    return split.select(torch.from_numpy(np.flatnonzero(kept)))


def _classes(labels: Tensor) -> Tensor:
    """The class of every image [N]; where pixels have labels, all images are of one."""
    return labels if labels.dim() == 1 else torch.zeros(len(labels), dtype=labels.dtype)


def _share_and_total(share_or_count: float, images: int, classes: int) -> tuple[float, int]:
    is_count = isinstance(share_or_count, int)
    if not is_count and not 0 < share_or_count < 1:
        raise ConfigError(f"the share of a held-out split must be in (0, 1), got {share_or_count}")
    total = int(share_or_count) if is_count else round(images * share_or_count)
    if images <= classes:
        raise ConfigError(f"nothing can be held out of {images} images of {classes} classes: one of each must stay")
    if not 1 <= total <= images - classes:
        raise ConfigError(
            f"{share_or_count} of {images} images cannot be held out: "
            f"1 to {images - classes} can, as one of each of {classes} classes stays"
        )
    return (total / images if is_count else share_or_count), total


def _apportion(counts: np.ndarray, share: float, total: int) -> np.ndarray:
    exact = counts * share
    taken = np.minimum(np.floor(exact).astype(int), counts - 1)
    order = np.argsort(taken - exact, kind="stable")
    # One pass gives the largest remainders; more are needed only where small classes have none left to give.
    while (missing := total - int(taken.sum())) > 0:
        for index in [i for i in order if taken[i] < counts[i] - 1][:missing]:
            taken[index] += 1
    return np.asarray(taken)
