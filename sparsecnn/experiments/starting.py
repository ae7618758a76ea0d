"""Where a search starts when it does not start from the dense network: an allocation of a given memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from sparsecnn.allocation import lamp
from sparsecnn.budgets import Budgets, Choice, knapsack
from sparsecnn.errors import ConfigError
from sparsecnn.search import Candidate, Evaluate, Trial
from sparsecnn.sizes import readable

# Densities at which the knapsack measures every layer: about a factor of 1.6 apart.
DENSITIES = (1.0, 0.7, 0.45, 0.3, 0.2, 0.12, 0.075, 0.045, 0.028, 0.018, 0.01)
# Halvings of an interval of densities or factors.
STEPS = 20


@dataclass(frozen=True)
class Ground:
    """What an allocation is told from: the dense network or a start above, and its layers' bytes under a budget."""

    base: Trial
    weights: Mapping[str, Tensor]
    sizes: Mapping[str, int]
    layer_bytes: Callable[[Trial, str, int], int]

    def memory(self, budgets: Budgets) -> float:
        """Bytes of the network under `budgets`; all but its layers stays as it is."""
        return self.base.memory_bytes + sum(
            self.layer_bytes(self.base, name, budget) - self.layer_bytes(self.base, name, self._size(name))
            for name, budget in budgets.items()
        )

    def layers_limit(self, limit_bytes: float) -> float:
        """What `limit_bytes` leave for the layers."""
        dense = sum(self.layer_bytes(self.base, name, self._size(name)) for name in self.weights)
        return limit_bytes - (self.base.memory_bytes - dense)

    def _size(self, layer: str) -> int:
        return self.base.candidate.budgets[layer]


def lamp_start(ground: Ground, limit_bytes: float, evaluate: Evaluate) -> tuple[Budgets, int]:
    """The densest LAMP allocation that takes at most `limit_bytes`; nothing is tried for it."""
    at = partial(lamp, ground.weights, ground.sizes)
    density = largest(0.0, 1.0, lambda density: ground.memory(at(density=density)) <= limit_bytes)
    if density == 0.0:
        raise ConfigError(f"search.start_memory: no allocation takes as little as {readable(limit_bytes)}")
    return at(density=density), 0


def knapsack_start(ground: Ground, limit_bytes: float, evaluate: Evaluate) -> tuple[Budgets, int]:
    """The allocation with the least sum of losses, each measured with one layer projected alone, as a candidate.

    Source: Frantar & Alistarh 2022 (SPDY) for the use of such curves; grid and solver are this project's choice.
    """
    base, dense = ground.base, ground.base.candidate.budgets
    points = [
        (layer, budget)
        for layer, size in dense.items()
        for budget in dict.fromkeys(max(1, round(density * size)) for density in DENSITIES)
    ]
    least = {layer: max(1, round(min(DENSITIES) * size)) for layer, size in dense.items()}
    if ground.memory(least) > limit_bytes:
        raise ConfigError(f"search.start_memory: no allocation takes as little as {readable(limit_bytes)}")
    candidates = [
        Candidate(base.candidate.number + 1 + place, 0, "screened", layer, {**dense, layer: budget}, base.key)
        for place, (layer, budget) in enumerate(points)
    ]
    choices: dict[str, list[Choice]] = {layer: [] for layer in dense}
    for (layer, budget), trial in zip(points, evaluate(candidates), strict=True):
        if not trial.has_failed:
            choices[layer].append(Choice(budget, ground.layer_bytes(base, layer, budget), trial.val_loss))
    try:
        chosen = knapsack(choices, ground.layers_limit(limit_bytes))
    except ValueError as error:
        raise ConfigError(f"search.start_memory: {error}") from error
    return _filled(ground, chosen, limit_bytes), len(points)


def _filled(ground: Ground, budgets: Budgets, limit_bytes: float) -> Budgets:
    """`budgets` times the largest factor with which they take at most `limit_bytes`: a grid leaves room."""

    def times(factor: float) -> Budgets:
        sizes = ground.base.candidate.budgets
        return {name: min(sizes[name], int(budget * factor)) for name, budget in budgets.items()}

    return times(largest(1.0, 1.0 / min(DENSITIES), lambda factor: ground.memory(times(factor)) <= limit_bytes))


def largest(low: float, high: float, fits: Callable[[float], bool]) -> float:
    """About the largest number in [low, high] that fits; `low` is taken to do so."""
    for _ in range(STEPS):
        middle = (low + high) / 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


# The budgets, and how many networks were tried to find them.
StartRule = Callable[[Ground, float, Evaluate], tuple[Budgets, int]]
START_RULES: Mapping[str, StartRule] = {"lamp": lamp_start, "knapsack": knapsack_start}
