"""Leaving the worse part of a round's candidates out before they are trained to the end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sparsecnn.errors import ConfigError
from sparsecnn.search.selection import Selection
from sparsecnn.search.trial import Trial


@dataclass(frozen=True)
class Cut:
    """Measures candidates early, as `phase` says, and keeps the share `keep` of them, in (0, 1), at least one.

    "screened": as they are after projection, untrained. "rung": after the first steps of their training, which those
    that are kept go on with. Source: successive halving, Jamieson & Talwalkar 2016; its use here is this project's
    choice.
    """

    phase: Literal["screened", "rung"]
    keep: float

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1:
            name = "screen_keep" if self.phase == "screened" else "halving"
            raise ConfigError(f"search.{name} must be in (0, 1), got {self.keep}")

    def left(self, candidates: int) -> int:
        """How many of so many candidates go on."""
        return max(1, math.ceil(self.keep * candidates))


def best(trials: Sequence[Trial], incumbent: Trial, count: int, select: Selection) -> list[Trial]:
    """The `count` trials that `select` would choose one after the other, in the order of `trials`."""
    rest = [trial for trial in trials if not trial.has_failed]
    chosen: list[Trial] = []
    while rest and len(chosen) < count:
        chosen.append(select(rest, incumbent))
        rest = [trial for trial in rest if trial is not chosen[-1]]
    return [trial for trial in trials if any(trial is other for other in chosen)]
