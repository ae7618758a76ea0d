"""When a search ends."""

import math
from dataclasses import dataclass

from sparsecnn.errors import ConfigError
from sparsecnn.search.trial import Trial


@dataclass(frozen=True)
class Stopping:
    """The search ends with the first of these that is met; all but running out of layers are optional.

    `target_bytes`: the incumbent takes at most so much. `rounds`: so many rounds are done. `accuracy_floor`: the best
    candidate of a round is below it, in percent on the validation split; that candidate is not accepted.
    """

    target_bytes: float | None = None
    rounds: int | None = None
    accuracy_floor: float | None = None

    def __post_init__(self) -> None:
        if self.target_bytes is not None and self.target_bytes <= 0:
            raise ConfigError(f"search.target_memory must be above 0, got {self.target_bytes}")
        if self.rounds is not None and self.rounds < 1:
            raise ConfigError(f"search.rounds must be at least 1, got {self.rounds}")
        if self.accuracy_floor is not None and not 0 <= self.accuracy_floor <= 100:
            raise ConfigError(f"search.accuracy_floor must be in [0, 100] percent, got {self.accuracy_floor}")

    def before_round(self, incumbent: Trial, rounds_done: int) -> str | None:
        """Why no further round is run, or None."""
        if self.target_bytes is not None and incumbent.memory_bytes <= self.target_bytes:
            return "target memory reached"
        if self.rounds is not None and rounds_done >= self.rounds:
            return f"{rounds_done} rounds done"
        return None

    def refuses(self, trial: Trial) -> bool:
        """Whether this winner is too inaccurate to be accepted."""
        return self.accuracy_floor is not None and trial.val_accuracy < self.accuracy_floor

    def share_done(self, incumbent: Trial, dense_bytes: int, rounds_done: int) -> float | None:
        """How much of the search is done, in [0, 1], as far as these rules tell."""
        if self.target_bytes is not None and 0 < self.target_bytes < dense_bytes:
            way = math.log(dense_bytes / self.target_bytes)
            return min(1.0, math.log(dense_bytes / incumbent.memory_bytes) / way)
        return rounds_done / self.rounds if self.rounds else None
