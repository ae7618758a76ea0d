"""What an experiment tells of itself while it runs."""

from typing import Protocol


class Progress(Protocol):
    """A display of a running experiment. Every method may do nothing."""

    def training(self, title: str) -> None:
        """A network begins to train."""

    def step(self, done: int, steps: int) -> None:
        """So many of the network's steps are done."""

    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None:
        """So many networks are finished, of `total` if that is known; `share` in [0, 1] of the whole experiment."""


class Silent:
    """A progress that says nothing."""

    def training(self, title: str) -> None: ...
    def step(self, done: int, steps: int) -> None: ...
    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None: ...


SILENT = Silent()
