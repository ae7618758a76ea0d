"""The validation split, held out of train."""

import numpy as np
import torch
from torch import Tensor

from sparsecnn.data.types import Split
from sparsecnn.errors import ConfigError


def hold_out(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of what stays in train and of what is held out, both sorted.

    `share` is in (0, 1). The draw is stratified: the held-out total is the share of all, rounded, and every class gives
    its own share of it, largest remainders first. At least one image of every class stays. ConfigError when the share
    leaves one of the two splits empty.
    """
    if not 0 < share < 1:
        raise ConfigError(f"validation.share must be in [0, 1), got {share}")
    values, counts = np.unique(labels.cpu().numpy(), return_counts=True)
    taken = _apportion(counts, share)
    if taken.sum() == 0:
        raise ConfigError(f"validation.share = {share} holds out no image of {len(labels)}")
    random = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for value, count in zip(values, taken, strict=True):
        held[random.permutation(np.flatnonzero(labels.cpu().numpy() == value))[:count]] = True
    return torch.from_numpy(np.flatnonzero(~held)), torch.from_numpy(np.flatnonzero(held))


def cut_validation(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """The train and the validation part of `split`; the latter is shown without random cuts."""
    stays, held = hold_out(split.labels, share, seed)
    return split.select(stays), split.evaluation().select(held)


def _apportion(counts: np.ndarray, share: float) -> np.ndarray:
    exact = counts * share
    taken = np.minimum(np.floor(exact).astype(int), counts - 1)
    missing = round(float(counts.sum()) * share) - int(taken.sum())
    order = np.argsort(taken - exact, kind="stable")
    for index in [i for i in order if taken[i] < counts[i] - 1][: max(missing, 0)]:
        taken[index] += 1
    return np.asarray(taken)
