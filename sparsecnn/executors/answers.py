"""What comes back from a worker, and how it is made there."""

import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from sparsecnn.executors.types import Prepare, Work


@dataclass(frozen=True)
class Answer:
    """The result of a task, or what it raised."""

    result: Any
    error: Exception | None = None

    def get(self) -> Any:
        """The result; raises the error."""
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True)
class Desk:
    """Where a worker works: prepared before its first task, with so many CPU threads."""

    prepare: Prepare
    threads: int

    def answer(self, task: Any) -> Answer:
        """Does the task; nothing is raised."""
        try:
            return Answer(self._work(task))
        except Exception as error:
            return Answer(None, _portable(error))

    @cached_property
    def _work(self) -> Work:
        work = self.prepare()
        torch.set_num_threads(self.threads)  # whatever the preparation has set
        return work


def _portable(error: Exception) -> Exception:
    """The error, or one that says the same if it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error of the user's own may raise anything
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
