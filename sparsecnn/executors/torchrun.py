"""All processes that torchrun has started, which train one network at a time together."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from sparsecnn.errors import ConfigError
from sparsecnn.executors.types import Prepare, Work

# The others wait while the first process measures.
PATIENCE = timedelta(hours=2)
# How often a process looks whether torchrun is still there.
WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class Torchrun:
    """The first of the processes runs the experiment; all of them, itself included, do each task that it has."""

    @property
    def at_once(self) -> int:
        """One."""
        return 1

    @contextmanager
    def start(self, prepare: Prepare) -> Iterator["Together"]:
        """Joins the others, who are in `follow`."""
        _join()
        pool = Together(prepare())
        try:
            yield pool
        finally:
            pool.close()

    def follow(self, prepare: Prepare) -> bool:
        """Whether this process is not the first; then it has done all that was asked when this returns."""
        if os.environ.get("RANK", "0") == "0":
            return False
        logging.getLogger("sparsecnn").setLevel(logging.ERROR)  # the first process says the rest
        _join()
        work = prepare()
        while (task := _shared(None)) is not None:
            work(task)
        dist.destroy_process_group()
        return True


@dataclass(frozen=True)
class Together:
    """The pool as the first process has it."""

    work: Work

    def results(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """In the order of the tasks."""
        for place, task in enumerate(tasks):
            yield place, self.work(_shared(task))

    def close(self) -> None:
        """Lets the others go."""
        if dist.is_initialized():
            _shared(None)
            dist.destroy_process_group()


def _join() -> None:
    if not dist.is_torchelastic_launched():
        raise ConfigError("executor=torchrun is for commands that torchrun starts: torchrun -m sparsecnn ...")
    threading.Thread(target=_end_with_launcher, daemon=True).start()
    if (own := dist.get_node_local_rank()) < torch.cuda.device_count():
        torch.cuda.set_device(own)  # else every process would talk to the others by GPU number 0
    # gloo carries tasks, and gradients where device=cpu.
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)


def _end_with_launcher() -> None:
    """Ends this process with torchrun: one that was killed cannot end it, and the run folder would stay taken."""
    launcher = os.getppid()
    while os.getppid() == launcher:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _shared(task: Any) -> Any:
    """What the first process says, in all of them."""
    said = [task]
    dist.broadcast_object_list(said, src=0)
    return said[0]
