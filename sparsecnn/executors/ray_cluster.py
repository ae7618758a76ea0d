"""Actors of a Ray cluster: an existing one, or one that is started on this machine."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sparsecnn.errors import ConfigError
from sparsecnn.executors.answers import Answer, Desk
from sparsecnn.executors.crew import Crew, crew
from sparsecnn.executors.sharing import Content, Parcel, packed, unpacked
from sparsecnn.executors.types import Prepare

try:
    import ray
except ImportError as error:
    raise ConfigError("executor=ray needs the package: pip install 'sparsecnn[ray]'") from error

log = logging.getLogger(__name__)

# Contents whose places in the object store are remembered: the weights of the last incumbents.
REMEMBERED = 16
KNOCK_SECONDS = 10


@dataclass(frozen=True)
class RayCluster:
    """`workers` actors, each with `cpus` cores and `gpus` GPUs, which may be a fraction, and `threads` CPU threads.

    `address` is that of a running cluster, "auto" for the one of this machine; None starts one here, and ends it. The
    data lies once a node in Ray's object store; weights are put there once, however many tasks start from them.
    """

    workers: int = 2
    cpus: float = 1
    gpus: float = 0
    threads: int = 1
    address: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("threads", 1), ("cpus", 0), ("gpus", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"executor.{name} must be at least {least}, got {getattr(self, name)}")

    @property
    def at_once(self) -> int:
        """The number of actors."""
        return self.workers

    @contextmanager
    def start(self, prepare: Prepare) -> Iterator[Crew]:
        """Actors start when they are first needed."""
        try:
            self._connect()
            shelf = Shelf({})
            parcel = shelf.put(packed(Desk(prepare, self.threads)))
            with crew(lambda number: ActorWorker(number, self, parcel, shelf), self.workers) as pool:
                yield pool
        finally:
            ray.shutdown()

    def follow(self, prepare: Prepare) -> bool:
        """This process leads."""
        return False

    def _connect(self) -> None:
        quiet = {"log_to_driver": False, "configure_logging": False}
        handler = signal.getsignal(signal.SIGTERM)
        try:
            if self.address is not None:
                _knock(self.address)
                ray.init(self.address, **quiet)
            else:
                cpus = max(1, round(self.workers * self.cpus))
                ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            where = self.address or "this machine"
            raise ConfigError(f"executor=ray: no cluster at {where}: {str(error).splitlines()[0]}") from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray puts one of its own in its place
        there = ray.cluster_resources().get("GPU", 0)
        if self.gpus > there and self.address is None:
            raise ConfigError(f"executor.gpus is {self.gpus:g}, and the cluster that is started here has {there:g}")
        if self.gpus > there:
            log.warning("executor.gpus is %g, and the cluster has fewer now: workers wait until it has", self.gpus)


def _knock(address: str) -> None:
    """OSError when nobody listens at "host:port"; Ray itself would try for minutes."""
    host, colon, port = address.rpartition("//")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()


@dataclass(frozen=True)
class Shelf:
    """Contents in the object store, by their digest."""

    references: dict[bytes, Any]

    def put(self, parcel: Parcel) -> tuple[bytes, list[Any]]:
        """The letter, and a reference for each content, which is put there if it is not."""
        return parcel.letter, [self._reference(content) for content in parcel.contents]

    def _reference(self, content: Content) -> Any:
        name = blake2b(content.data, digest_size=16).digest()
        if name not in self.references:
            while len(self.references) >= REMEMBERED:
                self.references.pop(next(iter(self.references)), None)
            self.references[name] = ray.put(content)
        return self.references[name]


class Actor:
    """What runs in the actor's process."""

    def __init__(self, letter: bytes, references: list[Any]) -> None:
        self.desk: Desk = unpacked(letter, ray.get(references))

    def process(self) -> int:
        """Its number in the operating system."""
        return os.getpid()

    def answer(self, letter: bytes, references: list[Any]) -> Answer:
        """The answer to a task that was packed."""
        return self.desk.answer(unpacked(letter, ray.get(references)))


class ActorWorker:
    """An actor of the cluster."""

    def __init__(self, number: int, cluster: RayCluster, desk: tuple[bytes, list[Any]], shelf: Shelf) -> None:
        self.number, self.shelf = number, shelf
        made = ray.remote(num_cpus=cluster.cpus, num_gpus=cluster.gpus)(Actor)
        self.actor = made.remote(*desk)

    def perform(self, task: Any) -> Answer | None:
        """The answer to the task, waited for; None when the actor or its node is gone."""
        try:
            answer: Answer = ray.get(self.actor.answer.remote(*self.shelf.put(packed(task))))
        except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError):
            return None
        return answer

    def dismiss(self) -> None:
        """Ends the actor."""
        self.kill()

    def kill(self) -> None:
        """Ends it at once."""
        ray.kill(self.actor)
