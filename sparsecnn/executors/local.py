"""Processes on this machine, of one thread each, over one shared copy of the data."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

import joblib

from sparsecnn.errors import ConfigError
from sparsecnn.executors.process import WorkerProcess
from sparsecnn.executors.types import MOST_LOSSES, Work, lost


@dataclass(frozen=True)
class Local:
    """`workers` processes (None: as many as the cores hold) with `threads` threads each.

    With `gpus` above 0, worker number i sees the GPU number i modulo `gpus` and no other. Tensors that `prepare` holds
    reach the workers through shared memory: one copy of the data serves all.
    """

    workers: int | None = None
    threads: int = 1
    gpus: int = 0

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("threads", 1), ("gpus", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"executor.{name} must be at least {least}, got {value}")

    @property
    def at_once(self) -> int:
        """The number of processes."""
        return self.workers or max(1, joblib.cpu_count() // self.threads)

    @contextmanager
    def start(self, prepare: Callable[[], Work]) -> Iterator["Crew"]:
        """Processes start when they are first needed."""
        crew = Crew(self, prepare)
        try:
            yield crew
        finally:
            crew.dismiss()


@dataclass
class Crew:
    """The pool of `Local`."""

    executor: Local
    prepare: Callable[[], Work]
    idle: list[WorkerProcess] = field(default_factory=list)
    busy: dict[WorkerProcess, int] = field(default_factory=dict)

    def results(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """As they are finished."""
        waiting, losses = deque(range(len(tasks))), Counter[int]()
        while waiting or self.busy:
            while waiting and len(self.busy) < self.executor.at_once:
                worker, place = self._idle_worker(), waiting.popleft()
                self.busy[worker] = place
                worker.give(tasks[place])
            for worker in self._ready():
                place = self.busy.pop(worker)
                answer = worker.answer()
                if answer is None:
                    losses[place] += 1
                    if losses[place] == MOST_LOSSES:
                        raise lost(str(tasks[place]), MOST_LOSSES)
                    waiting.appendleft(place)
                    continue
                self.idle.append(worker)
                yield place, answer.get()

    def dismiss(self) -> None:
        """Ends all processes, those at work at once."""
        for worker in self.busy:
            worker.kill()
        for worker in self.idle:
            worker.dismiss()
        self.busy.clear()
        self.idle.clear()

    def _idle_worker(self) -> WorkerProcess:
        if self.idle:
            return self.idle.pop()
        executor = self.executor
        taken = {worker.number for worker in self.busy}
        number = next(number for number in range(executor.at_once) if number not in taken)
        return WorkerProcess(number, self.prepare, executor.threads, number % executor.gpus if executor.gpus else None)

    def _ready(self) -> list[WorkerProcess]:
        pipes = {worker.pipe: worker for worker in self.busy}
        return [pipes[pipe] for pipe in wait(list(pipes))]  # type: ignore[index]
