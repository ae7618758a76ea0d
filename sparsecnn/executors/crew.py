"""Workers behind one pool, whatever they are: processes, actors, jobs of a cluster."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Lock
from typing import Any, Protocol

from sparsecnn.executors.answers import Answer
from sparsecnn.executors.types import PoolClosedError, WorkerLostError

log = logging.getLogger(__name__)

# A task that has taken so many workers with it is given up.
MOST_LOSSES = 5


class Worker(Protocol):
    """Does one task at a time."""

    number: int

    def perform(self, task: Any) -> Answer | None:
        """The answer to the task, waited for; None when the worker is lost, and has been cleared away."""
        ...

    def dismiss(self) -> None:
        """Lets a worker without a task end."""
        ...

    def kill(self) -> None:
        """Ends it at once, from another thread: `perform` then returns None."""
        ...


class Crew:
    """The pool of `at_once` workers, hired by number as they are needed; a thread for each waits for its answers."""

    def __init__(self, hire: Callable[[int], Worker], at_once: int) -> None:
        self.hire, self.at_once = hire, at_once
        self.threads = ThreadPoolExecutor(at_once)
        self.lock = Lock()
        self.idle: list[Worker] = []
        self.busy: list[Worker] = []
        self.is_closed = False

    def results(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """As they are finished."""
        if self.is_closed:
            raise PoolClosedError
        futures = {self.threads.submit(self._perform, task): place for place, task in enumerate(tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def close(self) -> None:
        """Ends all workers, those at work at once; who waits for results gets a PoolClosedError."""
        with self.lock:
            self.is_closed = True
            for worker in self.busy:
                worker.kill()
        # Tasks that have not begun find the pool closed. Cancelled ones would never wake up who waits for them.
        self.threads.shutdown()
        with ThreadPoolExecutor(max(1, len(self.idle))) as threads:  # each may take its time to end
            list(threads.map(lambda worker: worker.dismiss(), self.idle))
        self.idle.clear()

    def _perform(self, task: Any) -> Any:
        for losses in range(MOST_LOSSES):
            worker = self._engaged()
            if losses:
                log.warning("%s: its worker is gone (%d of at most %d), another begins it", task, losses, MOST_LOSSES)
            answer = worker.perform(task)
            with self.lock:
                self.busy.remove(worker)
                if answer is not None:
                    self.idle.append(worker)
            if answer is not None:
                return answer.get()
        raise WorkerLostError(f"{task} ended its worker {MOST_LOSSES} times: is there too little memory?")

    def _engaged(self) -> Worker:
        """An idle worker, or a new one, marked as busy."""
        with self.lock:
            if self.is_closed:
                raise PoolClosedError
            worker = self.idle.pop() if self.idle else self.hire(self._free_number())
            self.busy.append(worker)
            return worker

    def _free_number(self) -> int:
        taken = {worker.number for worker in self.busy}
        return next(number for number in range(self.at_once) if number not in taken)


@contextmanager
def crew(hire: Callable[[int], Worker], at_once: int) -> Iterator[Crew]:
    """A crew that is closed at the end, however it ends."""
    pool = Crew(hire, at_once)
    try:
        yield pool
    finally:
        pool.close()
