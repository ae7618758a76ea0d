"""One worker process: tasks go in through a pipe, answers come out."""

import contextlib
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

import torch
import torch.multiprocessing

from sparsecnn.errors import ConfigError, SparsecnnError
from sparsecnn.executors.answers import Answer, Desk
from sparsecnn.executors.types import Prepare

# Seconds in which a process without a task ends.
PATIENCE = 10
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
# What pickle raises for a function within a function, say.
UNSENDABLE = (pickle.PicklingError, AttributeError, TypeError)


class WorkerProcess:
    """A process of its own, started afresh: a fork of one with threads may hang. `number` tells it from its fellows."""

    def __init__(self, number: int, prepare: Prepare, threads: int, gpu: int | None) -> None:
        self.number = number
        context = torch.multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, prepare, threads))
        with _seeing(gpu):
            self._start()
        theirs.close()

    def _start(self) -> None:
        try:
            self.process.start()
        except RuntimeError as error:
            if "shared memory" not in str(error):
                raise
            raise SparsecnnError(f"the data does not fit into shared memory (/dev/shm): {error}") from error
        except UNSENDABLE as error:
            raise _unsendable(error) from error

    def perform(self, task: Any) -> Answer | None:
        """The answer to the task, waited for; None when the process is gone."""
        try:
            self.pipe.send(task)
            answer: Answer = self.pipe.recv()
        except (EOFError, OSError):
            self._clear()
            return None
        except UNSENDABLE as error:
            raise _unsendable(error) from error
        return answer

    def dismiss(self) -> None:
        """Lets a process without a task end by itself, in a few seconds at most."""
        self.pipe.close()
        self.process.join(PATIENCE)
        self._clear()

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()

    def _clear(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _unsendable(error: Exception) -> ConfigError:
    return ConfigError(f"a part of the configuration cannot be sent to another process: {error}")


def _serve(pipe: Connection, prepare: Prepare, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    desk = Desk(prepare, threads)
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(desk.answer(task))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextlib.contextmanager
def _seeing(gpu: int | None) -> Iterator[None]:
    """What is started inside sees only the GPU of this number; None changes nothing."""
    before = os.environ.get(GPU_VARIABLE)
    if gpu is not None:
        os.environ[GPU_VARIABLE] = before.split(",")[gpu] if before else str(gpu)
    try:
        yield
    finally:
        if gpu is not None:
            os.environ.pop(GPU_VARIABLE)
            if before is not None:
                os.environ[GPU_VARIABLE] = before
