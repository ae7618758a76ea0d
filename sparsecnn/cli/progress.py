"""Progress bars on a terminal, silence elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

# An estimate made before this share of the work would be a guess.
LEAST_SHARE = 0.02


class Bars:
    """Two bars: the experiment, with an estimate of the time left, and what is in training."""

    def __init__(self, console: Console, *, disable: bool) -> None:
        # On a narrow terminal the note is cut, not the counts.
        note = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.fields[note]}", table_column=note),
            console=console,
            transient=True,
            expand=True,
            disable=disable or not console.is_terminal,
        )
        self._started = time.monotonic()
        self._networks = self._progress.add_task("networks", total=None, note="")
        self._steps = self._progress.add_task("", total=None, note="", visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def training(self, title: str, unit: str = "steps") -> None:
        """Starts the bar of one network, or of several that are trained elsewhere."""
        self._progress.reset(self._steps, description=title, note=unit, visible=True)

    def step(self, done: int, steps: int) -> None:
        """Moves the bar of the network in training."""
        self._progress.update(self._steps, completed=done, total=steps)

    def networks(self, done: int, total: int | None, note: str, share: float | None) -> None:
        """Moves the bar of the experiment."""
        text = f"{self._time_left(share)}{note}"
        self._progress.update(self._networks, completed=done, total=total, note=text)

    def _time_left(self, share: float | None) -> str:
        if share is None or share < LEAST_SHARE:
            return ""
        seconds = (time.monotonic() - self._started) * (1.0 - share) / share
        return f"{seconds / 60:.0f} min left, " if seconds > 90 else f"{seconds:.0f} s left, "
