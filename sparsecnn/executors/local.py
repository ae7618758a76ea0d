"""Processes on this machine, of one thread each, over one shared copy of the data."""

import logging
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass

import joblib
import torch

from sparsecnn.errors import ConfigError
from sparsecnn.executors.crew import Crew, crew
from sparsecnn.executors.process import GPU_VARIABLE, WorkerProcess
from sparsecnn.executors.types import Prepare

log = logging.getLogger(__name__)

MOST_THREADS = 1024


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
        if self.threads > MOST_THREADS:
            raise ConfigError(f"executor.threads must be at most {MOST_THREADS}, got {self.threads}")

    @property
    def at_once(self) -> int:
        """The number of processes."""
        return self.workers or max(1, joblib.cpu_count() // self.threads)

    def start(self, prepare: Prepare) -> AbstractContextManager[Crew]:
        """Processes start when they are first needed."""
        visible = os.environ.get(GPU_VARIABLE)
        if visible and self.gpus > len(visible.split(",")):
            raise ConfigError(f"executor.gpus is {self.gpus}, and {GPU_VARIABLE} names {visible} alone")
        if self.gpus > torch.cuda.device_count():
            log.warning("executor.gpus is %d, and PyTorch sees %d here", self.gpus, torch.cuda.device_count())

        def hire(number: int) -> WorkerProcess:
            return WorkerProcess(number, prepare, self.threads, number % self.gpus if self.gpus else None)

        return crew(hire, self.at_once)

    def follow(self, prepare: Prepare) -> bool:
        """This process leads."""
        return False
