"""One network trained and measured: what a worker does, wherever it is."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from torch import nn

from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.experiments.measurement import Measurement
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.progress import SILENT, Progress
from sparsecnn.experiments.tasks import Bundle, Done, Task
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import WeightsFile, prunable_weights, weights_bytes
from sparsecnn.training import Epoch, Member, Observer, Snapshots, cohort_size, train_cohort_

log = logging.getLogger(__name__)

# More networks than any round has candidates.
MOST_TOGETHER = 10_000


@dataclass(frozen=True)
class Worker:
    """Performs tasks on a workbench. `progress` and `on_epoch` follow them in the process in which they were made."""

    bench: Workbench
    progress: Progress
    on_epoch: Callable[[str, Epoch], None]
    cohort_sizes: dict[int, int] = field(default_factory=dict)

    def __call__(self, bundle: Bundle) -> list[Done]:
        """Trains and measures, in order; a loss that is not finite gives a failed network, not an error."""
        done: list[Done] = []
        for cohort in self._cohorts(bundle.tasks):
            done += [self._alone(cohort[0])] if len(cohort) == 1 else self._together(cohort)
        return done

    def _cohorts(self, tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
        """The tasks in pieces that are done together."""
        for may_stack, run in groupby(tasks, key=self._may_stack):
            alike = list(run)
            size = self._cohort_size(alike) if may_stack and len(alike) > 1 else 1
            yield from (alike[first : first + size] for first in range(0, len(alike), size))

    def _may_stack(self, task: Task) -> bool:
        """Cohorts leave no snapshots, so "auto" leaves long trainings alone."""
        if task.solver is None or task.stop is not None or self.bench.placement.ranks > 1:
            return False
        return self.bench.parts.cohort != "auto" or task.solver.epochs_for(len(self.bench.trainer.split)) <= 1

    def _cohort_size(self, tasks: Sequence[Task]) -> int:
        """Tried out once for each batch size, which is what it depends on."""
        solver, choice = tasks[0].solver, self.bench.parts.cohort
        assert solver is not None
        if solver.batch_size not in self.cohort_sizes:
            model = self._start(tasks[0])
            most = cohort_size(self.bench.trainer, model, solver, wanted=MOST_TOGETHER, choice=choice)
            self.cohort_sizes[solver.batch_size] = most
        return min(len(tasks), self.cohort_sizes[solver.batch_size])

    def _alone(self, task: Task) -> Done:
        clock = _Clock()
        epochs: tuple[Epoch, ...] = ()
        try:
            model, epochs = self._trained(task)
            self._finish_(model, task)
            if self.bench.placement.rank:  # the first of the processes measures
                return Done({}, (), None)
            support = task.regularizer.support
            measurement = self.bench.measure(model, task.images, on_test=not task.is_early, support=support)
        except DivergedError as error:
            error.epochs = error.epochs or epochs
            return _failed(task, error, clock.columns(1))
        return _done(task, model, epochs, measurement, clock.columns(1))

    def _together(self, tasks: Sequence[Task]) -> list[Done]:
        clock, solver = _Clock(), tasks[0].solver
        assert solver is not None
        self.progress.training(f"{tasks[0].title} and {len(tasks) - 1} more")
        models = [self._start(task) for task in tasks]
        members = [
            Member(model, task.regularizer, task.seed, self._observer(task))
            for model, task in zip(models, tasks, strict=True)
        ]
        trained = train_cohort_(self.bench.trainer, solver, members)
        for model, task in zip(models, tasks, strict=True):
            self._finish_(model, task)
        # Whatever was trained of them before, a cohort starts at the beginning.
        steps = {"steps": solver.steps_for(len(self.bench.trainer.split))}
        measured, times = self.bench.measure_together(models), clock.columns(len(tasks)) | steps
        return [_done(*parts, times) for parts in zip(tasks, models, trained, measured, strict=True)]

    def _trained(self, task: Task) -> tuple[nn.Module, tuple[Epoch, ...]]:
        """The network of `task` behind its training, and its epochs; the last one has no validation yet."""
        model = self._start(task)
        if task.solver is None:
            return model, ()
        self.progress.training(task.title)
        epochs = self.bench.trainer.train_(
            model,
            task.solver,
            task.regularizer,
            seed=task.seed,
            observer=self._observer(task),
            snapshots=Snapshots(task.snapshots) if task.snapshots.parent.is_dir() else None,
            stop=task.stop,
        )
        return model, epochs

    def _observer(self, task: Task) -> Observer:
        return Observer(
            validate=self.bench.validate if self.bench.validation and not self.bench.placement.rank else None,
            on_epoch=lambda epoch: self.on_epoch(task.key, epoch),
            on_step=self.progress.step,
        )

    def _finish_(self, model: nn.Module, task: Task) -> None:
        """Makes it what is stored."""
        if task.bound is not None:
            task.bound.settle_(prunable_weights(model))
        self.bench.round_(model)

    def _start(self, task: Task) -> nn.Module:
        if isinstance(task.start, WeightsFile):
            return self.bench.stored_model(task.start)
        return self.bench.fresh_model(task.start)


class _Clock:
    """When a task began, and how long it took."""

    def __init__(self) -> None:
        self.started, self.clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()

    def columns(self, networks: int) -> dict[str, Any]:
        """Each of several networks that were done together took its share of the time."""
        seconds = (time.perf_counter() - self.clock) / networks
        return {"started_at": self.started, "train_seconds": seconds}


def _nobody(key: str, epoch: Epoch) -> None:
    """Follows epochs where there is nobody to tell."""


@dataclass(frozen=True)
class Preparation:
    """Makes a worker on the device of the configuration, in this process or in another, where nobody follows it.

    Without a `bench` it reads data and weights, which must have `content`, unless that is None.
    """

    parts: Parts
    bench: Workbench | None
    progress: Progress = SILENT
    on_epoch: Callable[[str, Epoch], None] = _nobody
    content: Mapping[str, str] | None = None

    def __call__(self) -> Worker:
        bench = self.bench or Workbench.of(self.parts)
        if self.content is not None and bench.fingerprint() != self.content:
            raise ConfigError("the data or the weights have changed since this command began")
        return Worker(bench.ready(), self.progress, self.on_epoch)

    def afresh(self) -> "Preparation":
        """One that reads the data where it is called, and refuses other data."""
        return Preparation(self.parts, None, content=self.bench.fingerprint() if self.bench else self.content)

    def __reduce__(self) -> tuple[type["Preparation"], tuple[Any, ...]]:
        # A copy of the bench, without what was computed on the way; nobody follows it elsewhere.
        return Preparation, (self.parts, self.bench and replace(self.bench), SILENT, _nobody, self.content)


def _failed(task: Task, error: DivergedError, times: Mapping[str, Any]) -> Done:
    log.warning("%s failed: %s", task.title, error)
    return Done({"status": "failed", "error": str(error), **times}, error.epochs, None)


def _done(
    task: Task,
    model: nn.Module,
    epochs: tuple[Epoch, ...] | DivergedError,
    measurement: Measurement | DivergedError,
    times: Mapping[str, Any],
) -> Done:
    if isinstance(epochs, DivergedError):
        return _failed(task, epochs, times)
    if isinstance(measurement, DivergedError):
        measurement.epochs = epochs
        return _failed(task, measurement, times)
    completed = epochs if task.stop is not None else _completed(epochs, measurement)
    status = "early" if task.is_early else "ok"
    # Nobody goes on from a network that was only looked at.
    weights = None if task.images is not None else weights_bytes(model)
    return Done({**measurement.columns(), "status": status, **times}, completed, weights)


def _completed(epochs: tuple[Epoch, ...], measurement: Measurement) -> tuple[Epoch, ...]:
    """The epochs, the last one with the validation of the finished network."""
    if not epochs or measurement.validation is None:
        return epochs
    validation = measurement.validation
    return (*epochs[:-1], replace(epochs[-1], val_loss=validation.loss, val_accuracy=validation.accuracy))
