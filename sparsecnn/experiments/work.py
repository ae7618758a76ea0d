"""One network trained and measured: what a worker does, wherever it is."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import nn

from sparsecnn.errors import DivergedError
from sparsecnn.experiments.progress import SILENT, Progress
from sparsecnn.experiments.workbench import Measurement, Parts, Workbench
from sparsecnn.layers import on_support
from sparsecnn.models import WeightsFile, prunable_weights, weights_bytes
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training import Epoch, Observer, Snapshots

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A network to be trained, told in values alone, so that it can be sent anywhere.

    `start` is a file of weights, or the seed of a fresh network. With no `solver` the network is measured as it is.
    `seed` fixes order, augmentation and dropout. `bound` settles the trained network before it is measured. With `stop`
    it is measured behind that step; its training can go on there. With `images` it is measured on so many of the
    validation images, and not on the test split. `snapshots` is the file that keeps a training which
    has not ended; where its folder is not to be found, nothing is kept.
    """

    key: str
    title: str
    start: WeightsFile | int
    seed: int
    solver: Solver | None
    regularizer: Regularizer
    bound: Regularizer | None
    stop: int | None
    images: int | None
    snapshots: Path

    def __str__(self) -> str:
        return self.title


@dataclass(frozen=True)
class Done:
    """What came of a task: the columns that were measured, all epochs, the file of weights (None if it failed)."""

    columns: Mapping[str, Any]
    epochs: tuple[Epoch, ...]
    weights: bytes | None


@dataclass(frozen=True)
class Worker:
    """Performs tasks on a workbench. `progress` and `on_epoch` follow them in the process in which they were made."""

    bench: Workbench
    progress: Progress
    on_epoch: Callable[[str, Epoch], None]

    def __call__(self, task: Task) -> Done:
        """Trains and measures; a loss that is not finite gives a failed network, not an error."""
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        columns: dict[str, Any] = {"started_at": started}
        epochs: tuple[Epoch, ...] = ()
        weights = None
        try:
            model, epochs = self._trained(task)
            with on_support(model, task.regularizer.support):  # measured as it was trained
                measurement = self.bench.measure(model, task.images)
        except DivergedError as error:
            log.warning("%s failed: %s", task.title, error)
            columns |= {"status": "failed", "error": str(error)}
        else:
            columns |= _measured(measurement)
            weights = weights_bytes(model)
            if task.stop is None:
                epochs = _completed(epochs, measurement)
        return Done(columns | {"train_seconds": time.perf_counter() - clock}, epochs, weights)

    def _trained(self, task: Task) -> tuple[nn.Module, tuple[Epoch, ...]]:
        """The network of `task` as it is to be measured, and its epochs; the last one has no validation yet."""
        model = self._start(task)
        epochs: tuple[Epoch, ...] = ()
        if task.solver is not None:
            self.progress.training(task.title)
            observer = Observer(
                validate=self.bench.validate if self.bench.validation else None,
                on_epoch=lambda epoch: self.on_epoch(task.key, epoch),
                on_step=self.progress.step,
            )
            epochs = self.bench.trainer.train_(
                model,
                task.solver,
                task.regularizer,
                seed=task.seed,
                observer=observer,
                snapshots=Snapshots(task.snapshots) if task.snapshots.parent.is_dir() else None,
                stop=task.stop,
            )
        if task.bound is not None:
            task.bound.settle_(prunable_weights(model))
        self.bench.round_(model)
        return model, epochs

    def _start(self, task: Task) -> nn.Module:
        if isinstance(task.start, WeightsFile):
            return self.bench.stored_model(task.start)
        return self.bench.fresh_model(task.start)


def _nobody(key: str, epoch: Epoch) -> None:
    """Follows epochs where there is nobody to tell."""


@dataclass(frozen=True)
class Preparation:
    """Makes a worker on the device of the configuration, in this process or in another, where nobody follows it."""

    parts: Parts
    bench: Workbench | None
    progress: Progress = SILENT
    on_epoch: Callable[[str, Epoch], None] = _nobody

    def __call__(self) -> Worker:
        bench = self.bench or self.parts.read()
        return Worker(bench.ready(), self.progress, self.on_epoch)

    def afresh(self) -> "Preparation":
        """One that reads the data where it is called."""
        return Preparation(self.parts, None)

    def __reduce__(self) -> tuple[type["Preparation"], tuple[Parts, Workbench | None]]:
        # A copy of the bench, without what was computed on the way.
        return Preparation, (self.parts, self.bench and replace(self.bench))


def _completed(epochs: tuple[Epoch, ...], measurement: Measurement) -> tuple[Epoch, ...]:
    """The epochs, the last one with the validation of the finished network."""
    if not epochs or measurement.validation is None:
        return epochs
    validation = measurement.validation
    return (*epochs[:-1], replace(epochs[-1], val_loss=validation.loss, val_accuracy=validation.accuracy))


def _measured(measurement: Measurement) -> dict[str, Any]:
    memory, validation = measurement.memory, measurement.validation
    return {
        "status": "ok",
        "nonzeros": memory.nonzeros,
        "memory_bytes": memory.bytes,
        "val_accuracy": validation.accuracy if validation else None,
        "val_loss": validation.loss if validation else None,
        "test_accuracy": measurement.test.accuracy if measurement.test else None,
        "layer_nonzeros": json.dumps({name: layer.nonzeros for name, layer in memory.layers.items()}),
        "formats": json.dumps({name: layer.format for name, layer in memory.layers.items()}),
    }
