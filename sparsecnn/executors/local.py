"""Processes on this machine, of one thread each, over one shared copy of the data."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import joblib

from sparsecnn.errors import ConfigError
from sparsecnn.executors.process import WorkerProcess
from sparsecnn.executors.types import MOST_LOSSES, PoolClosedError, Work, lost


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
            crew.close()


class Crew:
    """The pool of `Local`: a thread of this process for each worker waits for its answers."""

    def __init__(self, executor: Local, prepare: Callable[[], Work]) -> None:
        self.executor, self.prepare = executor, prepare
        self.threads = ThreadPoolExecutor(executor.at_once)
        self.lock = Lock()
        self.idle: list[WorkerProcess] = []
        self.busy: list[WorkerProcess] = []
        self.is_closed = False

    def results(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """As they are finished."""
        futures = {self.threads.submit(self._perform, task): place for place, task in enumerate(tasks)}
        for future in as_completed(futures):
            if future.cancelled():
                raise PoolClosedError
            yield futures[future], future.result()

    def close(self) -> None:
        """Ends all processes, those at work at once."""
        with self.lock:
            self.is_closed = True
            for worker in self.busy:
                worker.process.kill()
        self.threads.shutdown(cancel_futures=True)
        while self.idle:
            self.idle.pop().dismiss()

    def _perform(self, task: Any) -> Any:
        for _ in range(MOST_LOSSES):
            worker = self._engaged()
            answer = worker.perform(task)
            with self.lock:
                self.busy.remove(worker)
                if answer is not None:
                    self.idle.append(worker)
            if answer is not None:
                return answer.get()
        raise lost(str(task))

    def _engaged(self) -> WorkerProcess:
        """An idle worker, or a new one, marked as busy."""
        with self.lock:
            if self.is_closed:
                raise PoolClosedError
            worker = self.idle.pop() if self.idle else self._new()
            self.busy.append(worker)
            return worker

    def _new(self) -> WorkerProcess:
        taken, gpus = {worker.number for worker in self.busy}, self.executor.gpus
        number = next(number for number in range(self.executor.at_once) if number not in taken)
        return WorkerProcess(number, self.prepare, self.executor.threads, number % gpus if gpus else None)
