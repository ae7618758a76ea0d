"""One network trained, measured and recorded, once: a key that has a finished row is never trained again."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from sparsecnn.budgets import Budgets
from sparsecnn.digests import digest, seed_of
from sparsecnn.errors import DivergedError
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.workbench import Measurement, Workbench
from sparsecnn.models import other_values, prunable_weights, save_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.results import CandidateRow, EpochRow, LayerEpochRow, Phase
from sparsecnn.solvers import Solver
from sparsecnn.training import Epoch, Observer, Snapshots

log = logging.getLogger(__name__)


class EpochLog(Protocol):
    """A second place for epochs beside the store, such as TensorBoard."""

    def __call__(self, key: str, epoch: Epoch) -> None: ...


@dataclass(frozen=True)
class Job:
    """One network to be trained and recorded.

    `start` gives the network to begin with; with no `solver` it is measured as it is. `finish_` acts on the trained
    network before it is measured.
    """

    number: int
    round: int
    phase: Phase
    layer: str | None
    parent: str | None
    seed: int
    budgets: Budgets
    start: Callable[[], nn.Module]
    solver: Solver | None
    regularizer: Regularizer
    finish_: Callable[[nn.Module], None] | None = None


@dataclass(frozen=True)
class Recorder:
    """Trains jobs of one run, which it binds to the content of data and weights, and writes their rows."""

    run: Run
    bench: Workbench
    progress: Progress
    epoch_logs: tuple[EpochLog, ...] = ()
    identity: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run.bind(self.bench.fingerprint())

    def key(self, job: Job) -> str:
        """The name of the job's result: the hash of all that makes it."""
        made_of = {
            "identity": self.identity,
            "content": self.bench.fingerprint(),
            "parent": job.parent,
            "phase": job.phase,
            "layer": job.layer,
            "budgets": dict(job.budgets),
            "seed": job.seed,
        }
        return digest(made_of)

    def once(self, job: Job) -> CandidateRow:
        """The row of `job`: the stored one if there is one, else trained now.

        The weights are on the disk before the row is. A loss that is not finite gives a row with status "failed"; an
        interruption is recorded as such and raised again.
        """
        key = self.key(job)
        found = self.run.store.find(key)
        if found is not None:
            self._snapshots(key).clear()  # a process that was killed right behind the row has left one
            return found
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        model = job.start()
        blank = self._blank(job, key, model, started)
        try:
            self._train_(job, key, model)
            row = _measured(self.bench.measure(model))
        except DivergedError as error:
            log.warning("%s failed: %s", _title(job), error)
            row = {"status": "failed", "error": str(error)}
        except KeyboardInterrupt:
            self.run.store.add(CandidateRow(**{**blank, "status": "interrupted"}))
            raise
        else:
            save_weights(model, self.run.checkpoint(key))
        finished = CandidateRow(**{**blank, **row, "train_seconds": time.perf_counter() - clock})
        self.run.store.add(finished)
        self._snapshots(key).clear()
        return finished

    def weights(self, job: Job) -> Path:
        """The file of the weights of a job that is in the store; if it is gone, the job is trained again."""
        key = self.key(job)
        path = self.run.checkpoint(key)
        if not path.is_file():
            log.warning("the weights of %s are gone; it is trained again (%s)", key, _title(job))
            model = job.start()
            self._train_(job, key, model)
            save_weights(model, path)
            self._snapshots(key).clear()
        return path

    def _train_(self, job: Job, key: str, model: nn.Module) -> None:
        if job.solver is not None:
            self.progress.training(_title(job))
            observer = Observer(
                validate=self.bench.validate if self.bench.validation else None,
                on_epoch=lambda epoch: self._log_epoch(key, epoch),
                on_step=self.progress.step,
            )
            self.bench.trainer.train_(
                model,
                job.solver,
                job.regularizer,
                seed=seed_of(key),
                observer=observer,
                snapshots=self._snapshots(key),
            )
        if job.finish_ is not None:
            job.finish_(model)
        self.bench.round_(model)

    def _log_epoch(self, key: str, epoch: Epoch) -> None:
        values = {name: value for name, value in asdict(epoch).items() if name != "layers"}
        layers = [LayerEpochRow(self.run.name, key, epoch.epoch, **asdict(layer)) for layer in epoch.layers]
        self.run.store.add(EpochRow(self.run.name, key, **values), *layers)
        for epoch_log in self.epoch_logs:
            epoch_log(key, epoch)

    def _snapshots(self, key: str) -> Snapshots:
        return Snapshots(self.run.checkpoint(key).with_suffix(".resume.pt"))

    def _blank(self, job: Job, key: str, model: nn.Module, started_at: str) -> dict[str, Any]:
        """The columns that are known before training."""
        sizes = {name: weight.numel() for name, weight in prunable_weights(model).items()}
        weights = sum(sizes.values())
        place = {name: getattr(job, name) for name in ("number", "round", "phase", "layer", "parent", "seed")}
        unknown = ("nonzeros", "memory_bytes", "val_accuracy", "val_loss", "test_accuracy")
        return {
            **dict.fromkeys((*unknown, "layer_nonzeros", "formats", "error")),
            **place,
            **{name: self.run.info.labels.get(name, "") for name in ("model", "data", "regularizer", "allocation")},
            "run": self.run.name,
            "key": key,
            "status": "ok",
            "accepted": False,
            "epochs": job.solver.epochs_for(len(self.bench.trainer.split)) if job.solver else 0.0,
            "train_seconds": 0.0,
            "weights": weights,
            "dense_bytes": self.bench.parts.storage.dense_bytes(weights, other_values(model)),
            "layer_weights": json.dumps(sizes),
            "budgets": json.dumps(dict(job.budgets)),
            "started_at": started_at,
        }


def _measured(measurement: Measurement) -> dict[str, Any]:
    memory, validation = measurement.memory, measurement.validation
    return {
        "nonzeros": memory.nonzeros,
        "memory_bytes": memory.bytes,
        "val_accuracy": validation.accuracy if validation else None,
        "val_loss": validation.loss if validation else None,
        "test_accuracy": measurement.test.accuracy,
        "layer_nonzeros": json.dumps({name: layer.nonzeros for name, layer in memory.layers.items()}),
        "formats": json.dumps({name: layer.format for name, layer in memory.layers.items()}),
    }


def _title(job: Job) -> str:
    if job.phase == "candidate":
        return f"round {job.round}: {job.layer}"
    if job.phase == "refined":
        return f"round {job.round}: refining"
    return f"{job.phase}, seed {job.seed}"
