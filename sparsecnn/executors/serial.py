"""One task after another, in this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sparsecnn.executors.types import Prepare, Work


@dataclass(frozen=True)
class Here:
    """A pool of one worker: this process."""

    work: Work

    def results(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """In the order of the tasks."""
        for place, task in enumerate(tasks):
            yield place, self.work(task)

    def close(self) -> None:
        """Nothing is being done behind the caller's back."""


@dataclass(frozen=True)
class Serial:
    """The executor that needs nothing."""

    @property
    def at_once(self) -> int:
        """One."""
        return 1

    @contextmanager
    def start(self, prepare: Prepare) -> Iterator[Here]:
        """Prepares at once."""
        yield Here(prepare())

    def follow(self, prepare: Prepare) -> bool:
        """This process leads."""
        return False
