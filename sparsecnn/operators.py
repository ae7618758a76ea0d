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

# A sample of about this many magnitudes brackets the threshold; the selection is exact whatever the sample says.
SAMPLE_SIZE = 8192


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
    if not weight.is_cpu:
        projected = weight.clone(memory_format=torch.preserve_format)
        project_rows_(projected.unsqueeze(0), torch.full((1,), budget, device=weight.device), budget)
        return projected
    threshold, surplus = _threshold(weight.detach().abs(), budget)
    below = torch.nextafter(torch.tensor(threshold, dtype=weight.dtype), torch.tensor(0.0, dtype=weight.dtype))
    projected = torch.nn.functional.hardshrink(weight, below.item())
    return _without_surplus(projected, threshold, surplus) if surplus else projected


def project_rows_(weights: Tensor, budgets: Tensor, most: int) -> None:
    """Replaces each of the K tensors stacked in `weights` [K, ...] by `project_l0` of it, without a wait.

    `budgets` int64 [K] lies where the weights do, so nothing here asks the device for a number; `most` is the largest
    of the budgets. Any memory format will do. Source: this project's choice.
    """
    magnitudes = weights.detach().abs().flatten(1)  # [K, n] in (out, in, height, width) order
    most = min(max(most, 1), magnitudes.shape[1])
    budgets = budgets.unsqueeze(1)
    # A single row has `most` as its budget, so its largest need no order.
    largest = magnitudes.topk(most, dim=1, sorted=len(magnitudes) > 1).values
    if len(magnitudes) == 1:
        least = largest.amin(dim=1, keepdim=True)
    else:
        least = largest.gather(1, (budgets - 1).clamp(0, most - 1))
    is_above, is_tied = magnitudes > least, magnitudes == least
    ties = budgets - is_above.sum(dim=1, keepdim=True)
    is_kept = is_above | (is_tied & (is_tied.cumsum(dim=1, dtype=torch.int32) <= ties))
    weights.detach().masked_fill_(is_kept.logical_not_().view(weights.shape), 0.0)


def shrink_l1(weight: Tensor, level: float, lr: float) -> Tensor:
    """Soft thresholding, `sign(w) * max(|w| - lr * level, 0)`: the proximal map of `level * ||w||_1`.

    `level` is the strength lambda of the layer, at least 0.

    Source: Collins & Kohli 2014 (l1 shrinkage operator); scaling by `lr` makes it the proximal step of that penalty.
    """
    if level < 0:
        raise ValueError(f"strength must be at least 0, got {level}")
    return torch.nn.functional.softshrink(weight, lr * level)


def _without_surplus(projected: Tensor, threshold: float, surplus: int) -> Tensor:
    """`projected` less the last `surplus` of the entries that tie at the threshold, in logical order."""
    flat = projected.flatten()
    tied = (flat.abs() == threshold).nonzero().flatten()
    flat[tied[len(tied) - surplus :]] = 0.0
    return projected.copy_(flat.view(projected.shape))


def _threshold(magnitude: Tensor, k: int) -> tuple[float, int]:
    """The k-th largest entry, and how many more than k entries are at least as large; (0, 0) if it is zero."""
    # NumPy's vectorised quickselect is about ten times quicker than torch.topk and kthvalue.
    values = torch.as_strided(magnitude, (magnitude.numel(),), (1,))
    wide = values if values.dtype in (torch.float32, torch.float64) else values.float()
    threshold, above = _select(wide.numpy(), k)
    return (threshold, above - k) if threshold > 0 else (0.0, 0)


def _select(values: np.ndarray, k: int) -> tuple[float, int]:
    """The k-th largest of `values` (none negative), and how many are at least as large.

    A sorted sample brackets the answer, and only the values inside the bracket are selected from. Zeros are left out
    first: quickselect is slow on many equal values, and a projection leaves just that behind.
    """
    low, high = _bracket(values, k)
    near = values >= low if low > 0 else values > 0
    not_below = int(np.count_nonzero(near))
    if low <= 0 and not_below < k:
        return 0.0, k
    near &= values <= high
    inside = np.compress(near, values)
    above = not_below - len(inside)
    wanted = k - above
    if not 0 < wanted <= len(inside):  # the sample was misleading; the whole is always right
        above, wanted, inside = 0, k, values
    kth = np.partition(inside, len(inside) - wanted)[len(inside) - wanted]
    return float(kth), above + int(np.count_nonzero(inside >= kth))


def _bracket(values: np.ndarray, k: int) -> tuple[float, float]:
    """Two values between which the k-th largest lies, almost surely; all of them for a small array."""
    if len(values) <= 2 * SAMPLE_SIZE:
        return 0.0, np.inf
    sample = np.sort(values[:: len(values) // SAMPLE_SIZE])
    rank = k / len(values) * len(sample)
    # Five standard deviations of the rank that the k-th largest has in a random sample.
    spread = 5.0 * (rank * (1.0 - rank / len(sample))) ** 0.5 + 5.0
    low = int(len(sample) - rank - spread)
    high = int(len(sample) - rank + spread) + 1
    return (float(sample[low]) if low >= 0 else 0.0), (float(sample[high]) if high < len(sample) else np.inf)
