"""Rules from layer shapes and weights to budgets.

Every allocation takes the prunable weights by layer name, in network order, and `sizes`, how many of them each layer
has: all, or those of a support that is pre-defined, with zeros elsewhere. It returns one budget a layer. `density` is
the share of all these weights that the network keeps, in (0, 1].
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from sparsecnn.budgets import Budgets, clipped_shares, rounded
from sparsecnn.errors import ConfigError

Weights = Mapping[str, Tensor]
Sizes = Mapping[str, int]
Allocation = Callable[[Weights, Sizes], Budgets]


def dense(weights: Weights, sizes: Sizes) -> Budgets:
    """Every weight is kept."""
    return dict(sizes)


def uniform(weights: Weights, sizes: Sizes, *, density: float) -> Budgets:
    """The same density in every layer."""
    kept = _kept(sizes, density)
    return rounded({name: kept * size / sum(sizes.values()) for name, size in sizes.items()}, sizes, kept)


def erdos_renyi_kernel(weights: Weights, sizes: Sizes, *, density: float) -> Budgets:
    """Layer densities in proportion to (out + in + kernel sides) / (out * in * kernel sides).

    Source: Evci et al. 2020, "Rigging the Lottery" (ERK).
    """
    shares = {name: float(sum(weight.shape)) for name, weight in weights.items()}
    return clipped_shares(shares, sizes, _kept(sizes, density))


def global_magnitude(weights: Weights, sizes: Sizes, *, density: float) -> Budgets:
    """The largest magnitudes of the whole network stay, wherever they are."""
    return _by_score({name: weight.detach().abs().flatten() for name, weight in weights.items()}, sizes, density)


def lamp(weights: Weights, sizes: Sizes, *, density: float) -> Budgets:
    """The largest LAMP scores of the whole network stay: w^2 over the sum of all squares in its layer not below w^2.

    Source: Lee et al. 2021, "Layer-adaptive Sparsity for the Magnitude-based Pruning".
    """
    return _by_score({name: _lamp_scores(weight) for name, weight in weights.items()}, sizes, density)


def explicit(weights: Weights, sizes: Sizes, *, budgets: Mapping[str, int]) -> Budgets:
    """Budgets given by hand for some layers; layers that are not named stay dense."""
    for name, budget in budgets.items():
        if name not in sizes:
            raise ConfigError(f"allocation.budgets names no prunable layer: {name} (there are {', '.join(sizes)})")
        if not 1 <= budget <= sizes[name]:
            raise ConfigError(f"the budget of {name} must be in [1, {sizes[name]}], got {budget}")
    return {name: int(budgets.get(name, size)) for name, size in sizes.items()}


def _lamp_scores(weight: Tensor) -> Tensor:
    squares = weight.detach().flatten().double().square().sort().values
    not_below = squares.flip(0).cumsum(0).flip(0)
    return torch.where(not_below > 0, squares / not_below, squares)


def _by_score(scores: Mapping[str, Tensor], sizes: Sizes, density: float) -> Budgets:
    kept = _kept(sizes, density)
    layer_of = torch.repeat_interleave(torch.tensor([score.numel() for score in scores.values()]))
    chosen = torch.cat([score.double().cpu() for score in scores.values()]).topk(kept, sorted=False).indices
    counts = torch.bincount(layer_of[chosen], minlength=len(sizes)).tolist()
    # rounded() lifts a layer that would lose everything to one weight: an empty layer cuts the network in two.
    return rounded(dict(zip(sizes, map(float, counts), strict=True)), sizes, kept)


def _kept(sizes: Sizes, density: float) -> int:
    if not 0 < density <= 1:
        raise ConfigError(f"allocation.density must be in (0, 1], got {density}")
    return max(len(sizes), math.floor(density * sum(sizes.values()) + 0.5))
