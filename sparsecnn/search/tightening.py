"""How far each layer's budget is lowered in a round."""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sparsecnn.errors import ConfigError
from sparsecnn.search.trial import LayerBytes, Trial

# The lowered budget of every layer that can be tightened, in network order; empty when none can.
Tightening = Callable[[Trial, LayerBytes], Mapping[str, int]]

# How often ByBytes halves its step before it gives up.
HALVINGS = 6


@dataclass(frozen=True)
class ByFactor:
    """Each budget times `factor`, in (0, 1), rounded down; never below `floor` weights."""

    factor: float = 0.7
    floor: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ConfigError(f"tighten.factor must be in (0, 1), got {self.factor}")
        _check_floor(self.floor)

    def __call__(self, incumbent: Trial, layer_bytes: LayerBytes) -> Mapping[str, int]:
        """The lowered budgets; a layer at the floor is left out."""
        present = incumbent.candidate.budgets
        lowered = {layer: max(self.floor, math.floor(budget * self.factor)) for layer, budget in present.items()}
        return {layer: budget for layer, budget in lowered.items() if budget < present[layer]}


@dataclass(frozen=True)
class ByBytes:
    """The largest budgets with which one layer saves the share `share` of the incumbent's memory.

    Layers of all sizes then save about the same number of bytes, so their candidates can be compared. A layer that
    would have to fall below `floor` weights, or below the share `most` of its present budget, sits the round out: a
    small layer waits until the whole network is small. Where so few zeros save nothing (places cost as much as values
    of a bit), `most` is of the layer's bytes. When no layer can save so much, half of it is tried, and again.
    """

    share: float = 0.2
    most: float = 0.1
    floor: int = 1

    def __post_init__(self) -> None:
        for name, value in (("share", self.share), ("most", self.most)):
            if not 0 < value < 1:
                raise ConfigError(f"tighten.{name} must be in (0, 1), got {value}")
        _check_floor(self.floor)

    def __call__(self, incumbent: Trial, layer_bytes: LayerBytes) -> Mapping[str, int]:
        """The lowered budgets; a layer that cannot save the step is left out."""
        lowest = {layer: self._lowest(incumbent, layer, layer_bytes) for layer in _layers(incumbent)}
        for halvings in range(HALVINGS + 1):
            saving = self.share / 2**halvings * incumbent.memory_bytes
            lowered = {layer: _lowered(incumbent, layer, layer_bytes, saving, low) for layer, low in lowest.items()}
            found = {layer: budget for layer, budget in lowered.items() if budget is not None}
            if found:
                return found
        return {}

    def _lowest(self, incumbent: Trial, layer: str, layer_bytes: LayerBytes) -> int:
        """The least budget that the layer may fall to."""
        present = incumbent.candidate.budgets[layer]
        low = max(self.floor, math.ceil(present * self.most))
        taken = layer_bytes(incumbent, layer, present)
        if low >= present or layer_bytes(incumbent, layer, low) < taken:
            return low
        fewer = range(self.floor, low)
        allowed = bisect_left(fewer, self.most * taken, key=lambda budget: layer_bytes(incumbent, layer, budget))
        return self.floor + allowed


def _lowered(incumbent: Trial, layer: str, layer_bytes: LayerBytes, saving: float, low: int) -> int | None:
    """The largest budget from `low` on that saves so many bytes, or None."""
    present = incumbent.candidate.budgets[layer]
    high = present - 1
    wanted = layer_bytes(incumbent, layer, present) - saving
    if low > high or layer_bytes(incumbent, layer, low) > wanted:
        return None
    while low < high:  # the largest budget in [low, high] that is small enough
        middle = (low + high + 1) // 2
        if layer_bytes(incumbent, layer, middle) <= wanted:
            low = middle
        else:
            high = middle - 1
    return low


def _layers(incumbent: Trial) -> list[str]:
    return list(incumbent.candidate.budgets)


def _check_floor(floor: int) -> None:
    if floor < 1:
        raise ConfigError(f"tighten.floor must be at least 1, got {floor}")
