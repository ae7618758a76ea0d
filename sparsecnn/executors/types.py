"""What an executor is to the rest of the program."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sparsecnn.errors import SparsecnnError

# What a worker does with a task; tasks and results can be pickled.
Work = Callable[[Any], Any]


class WorkerLostError(SparsecnnError):
    """A task ended its worker, again and again."""


class PoolClosedError(SparsecnnError):
    """The pool was closed while its tasks were being done."""

    def __init__(self) -> None:
        super().__init__("the workers were dismissed")


class Prepare(Protocol):
    """Makes a worker's work, where the worker is. It can be pickled."""

    def __call__(self) -> Work: ...

    def afresh(self) -> "Prepare":
        """The same in few bytes: it reads the data where it is called instead of bringing it along."""
        ...


class Pool(Protocol):
    """Workers that are ready, or will be. Several threads may use it at a time."""

    def results(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The place of each task and its result, as they are finished; tasks begin in their order.

        A task whose worker is lost (killed, say, or out of memory) runs again on another. Raises what a task raises,
        WorkerLostError for a task that loses one worker after the other, and PoolClosedError when the pool is closed.
        """
        ...

    def close(self) -> None:
        """Stops what is being done."""
        ...


class Executor(Protocol):
    """A place where tasks run, `at_once` at a time."""

    @property
    def at_once(self) -> int: ...

    def start(self, prepare: Prepare) -> AbstractContextManager[Pool]:
        """The pool; every worker calls `prepare` once, where it is, and what that returns for each of its tasks."""
        ...

    def follow(self, prepare: Prepare) -> bool:
        """Whether this process has nothing to do but what another one of the same command said; it is done then."""
        ...
