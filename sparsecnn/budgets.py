"""Budgets: the greatest number of nonzero weights that each layer may keep. Numbers in, numbers out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Budgets = Mapping[str, int]

# Halvings of the interval in which a price is sought: as fine as a float64.
PRICE_STEPS = 60


def tightened(budgets: Budgets, layer: str, budget: int) -> Budgets:
    """`budgets` with the one of `layer` lowered to `budget`, which must be in [1, present budget - 1]."""
    if not 1 <= budget < budgets[layer]:
        raise ValueError(f"the budget of {layer} must be in [1, {budgets[layer] - 1}], got {budget}")
    return {**budgets, layer: budget}


def total(budgets: Budgets) -> int:
    """The greatest number of nonzero weights of the whole network."""
    return sum(budgets.values())


def clipped_shares(shares: Mapping[str, float], sizes: Mapping[str, int], kept: int) -> Budgets:
    """Whole budgets that add up to `kept`, in proportion to `shares`, none above its layer's size or below 1.

    A layer whose part is larger than the layer keeps everything, and the others share what is left. `kept` must be in
    [number of layers, number of weights].
    """
    if not len(sizes) <= kept <= sum(sizes.values()):
        raise ValueError(f"kept weights must be in [{len(sizes)}, {sum(sizes.values())}], got {kept}")
    full: set[str] = set()
    while True:
        left = kept - sum(sizes[name] for name in full)
        open_share = sum(share for name, share in shares.items() if name not in full)
        scale = left / open_share if open_share > 0 else 0.0
        above = {name for name in sizes if name not in full and shares[name] * scale > sizes[name]}
        if not above:
            break
        full |= above
    parts = {name: float(sizes[name]) if name in full else shares[name] * scale for name in sizes}
    return rounded(parts, sizes, kept)


@dataclass(frozen=True)
class Choice:
    """A budget that a layer may get, what it would take in bytes, and the loss of the network under it."""

    budget: int
    bytes: int
    loss: float


def knapsack(choices: Mapping[str, Sequence[Choice]], limit_bytes: float) -> Budgets:
    """One choice for every layer, within `limit_bytes` in all, with about the least sum of losses.

    The losses of layers are taken as independent. Each layer takes the least loss + price * bytes; the price is the
    least at which all fit, so choices that no price would take are passed over (Everett 1963, "Generalized Lagrange
    multiplier method"). ValueError when even the smallest choices do not fit.
    """
    smallest = sum(min(choice.bytes for choice in options) for options in choices.values())
    if smallest > limit_bytes:
        raise ValueError(f"the layers take at least {smallest} bytes, which is above {math.floor(limit_bytes)}")
    low, high = 0.0, 1.0
    while _bytes(_chosen(choices, high)) > limit_bytes:
        low, high = high, high * 2
    for _ in range(PRICE_STEPS):
        middle = (low + high) / 2
        if _bytes(_chosen(choices, middle)) > limit_bytes:
            low = middle
        else:
            high = middle
    return {name: choice.budget for name, choice in _chosen(choices, high).items()}


def _chosen(choices: Mapping[str, Sequence[Choice]], price: float) -> dict[str, Choice]:
    return {
        name: min(options, key=lambda choice: (choice.loss + price * choice.bytes, choice.bytes))
        for name, options in choices.items()
    }


def _bytes(chosen: Mapping[str, Choice]) -> int:
    return sum(choice.bytes for choice in chosen.values())


def rounded(parts: Mapping[str, float], sizes: Mapping[str, int], kept: int) -> Budgets:
    """`parts` as whole numbers in [1, size] that add up to `kept`; largest remainders are rounded up first."""
    budgets = {name: min(sizes[name], max(1, math.floor(part))) for name, part in parts.items()}
    by_remainder = sorted(parts, key=lambda name: budgets[name] - parts[name])
    while (missing := kept - sum(budgets.values())) != 0:
        step = 1 if missing > 0 else -1
        order = by_remainder if step > 0 else by_remainder[::-1]
        movable = [name for name in order if 1 <= budgets[name] + step <= sizes[name]]
        for name in movable[: abs(missing)]:
            budgets[name] += step
    return budgets
