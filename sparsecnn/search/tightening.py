"""How far one layer's budget is lowered in a round."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sparsecnn.errors import ConfigError
from sparsecnn.search.trial import LayerBytes, Trial

# The lowered budget of a layer, or None when this layer cannot be tightened any more.
Tightening = Callable[[Trial, str, LayerBytes], int | None]


@dataclass(frozen=True)
class ByFactor:
    """The budget times `factor`, in (0, 1), rounded down; never below `floor` weights."""

    factor: float = 0.7
    floor: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ConfigError(f"search.tighten.factor must be in (0, 1), got {self.factor}")
        _check_floor(self.floor)

    def __call__(self, incumbent: Trial, layer: str, layer_bytes: LayerBytes) -> int | None:
        """The lowered budget, or None at the floor."""
        present = incumbent.candidate.budgets[layer]
        lowered = max(self.floor, math.floor(present * self.factor))
        return lowered if lowered < present else None


@dataclass(frozen=True)
class ByBytes:
    """The largest budget with which this layer saves the share `share` of the incumbent's memory.

    Layers of all sizes then save about the same number of bytes, so their candidates can be compared. A layer that
    would have to fall below `floor` weights, or below the share `most` of its present budget, sits the round out: a
    small layer waits until the whole network is small.
    """

    share: float = 0.2
    most: float = 0.1
    floor: int = 1

    def __post_init__(self) -> None:
        for name, value in (("share", self.share), ("most", self.most)):
            if not 0 < value < 1:
                raise ConfigError(f"search.tighten.{name} must be in (0, 1), got {value}")
        _check_floor(self.floor)

    def __call__(self, incumbent: Trial, layer: str, layer_bytes: LayerBytes) -> int | None:
        """The lowered budget, or None when the layer cannot save that much."""
        present = incumbent.candidate.budgets[layer]
        low, high = max(self.floor, math.ceil(present * self.most)), present - 1
        wanted = layer_bytes(incumbent, layer, present) - self.share * incumbent.memory_bytes
        if low > high or layer_bytes(incumbent, layer, low) > wanted:
            return None
        while low < high:  # the largest budget in [low, high] that is small enough
            middle = (low + high + 1) // 2
            if layer_bytes(incumbent, layer, middle) <= wanted:
                low = middle
            else:
                high = middle - 1
        return low


def _check_floor(floor: int) -> None:
    if floor < 1:
        raise ConfigError(f"search.tighten.floor must be at least 1, got {floor}")
