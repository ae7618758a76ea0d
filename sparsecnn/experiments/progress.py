"""What an experiment tells of itself while it runs."""

from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """A display of a running experiment. Every method may do nothing."""

    def training(self, title: str, unit: str = "steps") -> None:
        """A network begins to train, or several where they cannot be followed; `unit` is what `step` counts."""

    def step(self, done: int, steps: int) -> None:
        """So many steps, or networks, are done."""

    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None:
        """So many networks are finished, of `total` if that is known; `share` in [0, 1] of the whole experiment."""


class Silent:
    """A progress that says nothing."""

    def training(self, title: str, unit: str = "steps") -> None: ...
    def step(self, done: int, steps: int) -> None: ...
    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None: ...


SILENT = Silent()


@dataclass(frozen=True)
class SeedsProgress:
    """Adds up the progress of `seeds` searches, which may run side by side."""

    progress: Progress
    seeds: int
    done: dict[int, int] = field(default_factory=dict)
    shares: dict[int, float | None] = field(default_factory=dict)

    def closed(self, seed: int, done: int, note: str, share: float | None) -> None:
        """The search under `seed` has closed a round: `done` networks so far, the share in [0, 1] of its way."""
        self.done[seed], self.shares[seed] = done, share
        known = [value for value in self.shares.values() if value is not None]
        whole = sum(known) / self.seeds if len(known) == len(self.shares) else None
        text = f"seed {seed}, {note}" if self.seeds > 1 else note
        self.progress.networks(sum(self.done.values()), None, text, whole)
