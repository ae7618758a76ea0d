"""Budgets: the greatest number of nonzero weights that each layer may keep. Numbers in, numbers out."""

import math
from collections.abc import Mapping

Budgets = Mapping[str, int]


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
