"""Proximal maps of one weight tensor.

Every operator has the signature `operator(weight, level, lr) -> weight`: it returns the minimiser of
`lr * h(w) + 0.5 * ||w - weight||^2`, where `level` fixes the penalty `h` of the layer. For a projection `h` is the
indicator of a set, so `lr` drops out.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Operator = Callable[[Tensor, float, float], Tensor]

# A sample of this many magnitudes brackets the threshold; the selection itself is exact whatever the sample says.
SAMPLE_SIZE = 4096


def project_l0(weight: Tensor, level: float, lr: float = 0.0) -> Tensor:
    """The nearest tensor with at most `level` nonzeros: the largest magnitudes stay, the rest is zero.

    `level` is the budget, a whole number of at least 0; `lr` is not used. Ties in magnitude are broken by position in
    (out, in, height, width) order, so that exactly `level` entries survive. The memory format of `weight` is kept.

    Source: Collins & Kohli 2014 (projection on an l0 ball); the rule for ties is this project's choice.
    """
    budget = int(level)
    if budget < 0 or budget != level:
        raise ValueError(f"budget must be a whole number of at least 0, got {level}")
    if budget >= weight.numel():
        return weight.clone(memory_format=torch.preserve_format)
    if budget == 0:
        return torch.zeros_like(weight)
    return weight * _largest(weight.detach().abs(), budget)


def shrink_l1(weight: Tensor, level: float, lr: float) -> Tensor:
    """Soft thresholding, `sign(w) * max(|w| - lr * level, 0)`: the proximal map of `level * ||w||_1`.

    `level` is the strength lambda of the layer, at least 0.

    Source: Collins & Kohli 2014 (l1 shrinkage operator); scaling by `lr` makes it the proximal step of that penalty.
    """
    if level < 0:
        raise ValueError(f"strength must be at least 0, got {level}")
    return torch.nn.functional.softshrink(weight, lr * level)


def _largest(magnitude: Tensor, budget: int) -> Tensor:
    """A 0/1 mask of exactly `budget` largest entries, in the type and memory format of `magnitude`."""
    threshold = _kth_largest(magnitude, budget)
    mask = magnitude >= threshold
    surplus = int(torch.count_nonzero(mask)) - budget
    if surplus > 0:
        # Only a tie reaches this: the last tied positions in logical order give way.
        tied = (magnitude == threshold).flatten().nonzero().flatten()
        flat = mask.flatten()
        flat[tied[len(tied) - surplus :]] = False
        mask = flat.view(mask.shape)
    return mask


def _kth_largest(magnitude: Tensor, k: int) -> float:
    if magnitude.is_cuda:
        return float(torch.topk(magnitude.flatten(), k, sorted=False).values.min())
    # NumPy's vectorised quickselect is about ten times quicker than torch.topk and kthvalue on a CPU, but slow on many
    # equal values: weights that a projection left at exactly zero. The bracket below never lets those in.
    values = torch.as_strided(magnitude, (magnitude.numel(),), (1,)).numpy()
    high = _bracket(values, k)
    return float(np.partition(high, len(high) - k)[len(high) - k])


def _bracket(values: np.ndarray, k: int) -> np.ndarray:
    """A subset of `values` that holds the `k` largest, usually little more than those."""
    if len(values) <= 2 * SAMPLE_SIZE:
        return values
    sample = values[:: len(values) // SAMPLE_SIZE]
    # 1.2 times the wanted share and 32 entries more: about five standard deviations of the sample's rank.
    rank = min(len(sample), int(1.2 * k / len(values) * len(sample)) + 32)
    lower = np.partition(sample, len(sample) - rank)[len(sample) - rank]
    high = values[values >= lower]
    return high if len(high) >= k else values
