"""Networks trained, measured and recorded, each once: a key that has a finished row is never trained again."""

import copy
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from sparsecnn.digests import digest, seed_of
from sparsecnn.executors import Pool, PoolClosedError
from sparsecnn.experiments.jobs import Job
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.tasks import Bundle, Done, Task
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import WeightsFile
from sparsecnn.results import CandidateRow, EpochRow, LayerEpochRow, LossRow
from sparsecnn.training import Epoch
from sparsecnn.whole_files import write_bytes

log = logging.getLogger(__name__)


class EpochLog(Protocol):
    """A second place for epochs beside the store, such as TensorBoard."""

    def __call__(self, key: str, epoch: Epoch) -> None: ...


@dataclass(frozen=True)
class EpochBook:
    """Writes every epoch once, whether it is told of as it ends or with the finished network."""

    run: Run
    logs: tuple[EpochLog, ...] = ()

    def __call__(self, key: str, epoch: Epoch) -> None:
        """Records `epoch` of the network `key`, unless it is known."""
        if self.run.store.has_epoch(key, epoch.epoch):
            return
        values = {name: value for name, value in asdict(epoch).items() if name not in ("layers", "losses")}
        layers = [LayerEpochRow(self.run.name, key, epoch.epoch, **asdict(layer)) for layer in epoch.layers]
        losses = [LossRow(self.run.name, key, **asdict(loss)) for loss in epoch.losses]
        self.run.store.add(EpochRow(self.run.name, key, **values), *layers, *losses)
        for log_epoch in self.logs:
            log_epoch(key, epoch)


@dataclass(frozen=True)
class Recorder:
    """Has the jobs of one run done by `pool`, `at_once` at a time, and writes their rows.

    The run is bound to the content of data and weights. `jobs` are all that were asked for, by key; `asked` counts the
    networks that went to the pool, `came` those that came back.
    """

    run: Run
    bench: Workbench
    pool: Pool
    at_once: int
    book: EpochBook
    identity: Mapping[str, Any]
    progress: Progress
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: list[Job] = field(default_factory=list)
    came: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run.bind(self.content)
        if self.at_once > 1:
            log.info("up to %d networks are trained at a time", self.at_once)

    @cached_property
    def content(self) -> Mapping[str, str]:
        """What the results depend on beyond the configuration."""
        return self.bench.fingerprint()

    def key(self, job: Job) -> str:
        """The name of the job's result: the hash of all that makes it."""
        made_of = {
            "identity": self.identity,
            "content": self.content,
            "parent": job.parent,
            "phase": job.phase,
            "layer": job.layer,
            "budgets": dict(job.budgets),
            "seed": job.seed,
        }
        early = {name: value for name in ("stop", "images") if (value := getattr(job, name)) is not None}
        return digest(made_of | early)

    def rows(self, jobs: Sequence[Job]) -> list[CandidateRow]:
        """What `each` gives, in the order of `jobs`."""
        found = dict(self.each(jobs))
        return [found[place] for place in range(len(jobs))]

    def each(self, jobs: Sequence[Job]) -> Iterator[tuple[int, CandidateRow]]:
        """The place and the row of each of `jobs`: the stored ones where there are any; the others are trained now.

        The weights are on the disk before the row is. A loss that is not finite gives a row with status "failed"; an
        interruption is recorded as such and raised again.
        """
        missing = []
        for place, job in enumerate(jobs):
            key = self.key(job)
            self.jobs[key] = job
            row = self.run.store.find(key)
            if row is None:
                missing.append(place)
            else:
                self._forget_training(job)  # a process that was killed right behind the row has left it
                yield place, row
        for number, done in self._done([jobs[place] for place in missing]):
            yield missing[number], self._record(jobs[missing[number]], done)

    def weights(self, key: str) -> Path:
        """The file of the weights of a network that was asked for; if it is gone, the network is trained again."""
        path = self.run.checkpoint(key)
        if not path.is_file():
            job = self.jobs[key]
            log.warning("the weights of %s are gone; it is trained again (%s)", key, job.title)
            for _, done in self._done([job]):
                self._keep(job, done)
                self._forget_training(job)
        return path

    def drop(self, key: str) -> None:
        """Removes the weights of a network, and a training of it that will not go on."""
        self.run.checkpoint(key).unlink(missing_ok=True)
        if key in self.jobs:
            self._snapshot(self.jobs[key]).unlink(missing_ok=True)

    def _done(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Done]]:
        left, started = dict(enumerate(jobs)), datetime.now(UTC).isoformat(timespec="seconds")
        tasks = [self._task(job) for job in jobs]
        # Networks that may be trained together go to their worker together.
        size = -(-len(tasks) // self.at_once) if self.bench.parts.may_stack else 1
        bundles = [Bundle(tuple(tasks[first : first + size])) for first in range(0, len(tasks), size or 1)]
        self.asked.extend(jobs)
        self._tell()
        try:
            for number, results in self.pool.results(bundles):
                for place, done in enumerate(results, number * size):
                    self.came.append(left.pop(place))
                    yield place, done
                self._tell()
        except (KeyboardInterrupt, PoolClosedError):
            for job in list(left.values())[: size * self.at_once]:  # they begin in their order
                blank = self._blank(job)
                if self.run.store.find(self.key(job)) is not None:  # it was trained again for its weights alone
                    continue
                self.run.store.add(CandidateRow(**blank, status="interrupted", train_seconds=0.0, started_at=started))
            raise

    def _tell(self) -> None:
        """Where networks are trained elsewhere, how many have come back is all that there is to follow."""
        if self.at_once > 1:
            self.progress.training("in training", "networks")
            self.progress.step(len(self.came), len(self.asked))

    def _task(self, job: Job) -> Task:
        return Task(
            key=self.key(job),
            title=job.title,
            start=job.seed if job.parent is None else WeightsFile.read(self.weights(job.parent)),
            seed=seed_of(self.key(job.whole)),
            solver=job.solver,
            # Copies, because they come to hold weights in training, and jobs are kept.
            regularizer=copy.deepcopy(job.regularizer),
            bound=copy.deepcopy(job.bound),
            stop=job.stop,
            images=job.images,
            snapshots=self._snapshot(job),
        )

    def _record(self, job: Job, done: Done) -> CandidateRow:
        self._keep(job, done)
        row = CandidateRow(**(self._blank(job) | dict(done.columns)))
        self.run.store.add(row)
        self._forget_training(job)
        return row

    def _keep(self, job: Job, done: Done) -> None:
        key = self.key(job)
        for epoch in done.epochs:
            self.book(key, epoch)
        if done.weights is not None:
            write_bytes(self.run.checkpoint(key), done.weights)

    def _snapshot(self, job: Job) -> Path:
        return self.run.checkpoint(self.key(job.whole)).with_suffix(".resume.pt")

    def _forget_training(self, job: Job) -> None:
        """Removes what is kept of a training on its way, once the whole of it is done."""
        if job.stop is None:
            self._snapshot(job).unlink(missing_ok=True)

    def _effort(self, job: Job) -> dict[str, Any]:
        """How long the network is trained, and the steps of that which are this row's own."""
        if job.solver is None:
            return {"epochs": 0.0, "steps": 0}
        images = len(self.bench.trainer.split)
        steps = job.stop or job.solver.steps_for(images)
        return {"epochs": steps / job.solver.steps_per_epoch(images), "steps": steps - job.since}

    def _blank(self, job: Job) -> dict[str, Any]:
        """The columns that are known before training."""
        sizes = self.bench.layer_sizes
        place = {name: getattr(job, name) for name in ("number", "round", "phase", "layer", "parent", "seed")}
        unknown = ("nonzeros", "memory_bytes", "val_accuracy", "val_loss", "test_accuracy", "test_loss")
        return {
            **dict.fromkeys(
                (*unknown, "test_top5_accuracy", "multiply_adds", "layer_nonzeros", "formats", "members", "error")
            ),
            **place,
            **{name: self.run.info.labels.get(name, "") for name in ("model", "data", "regularizer", "allocation")},
            "run": self.run.name,
            "key": self.key(job),
            "accepted": False,
            **self._effort(job),
            "train_images": len(self.bench.trainer.split),
            "weights": sum(sizes.values()),
            "dense_bytes": self.bench.dense_bytes,
            "layer_weights": json.dumps(dict(sizes)),
            "layer_shapes": json.dumps(self.bench.layer_shapes),
            "layer_bits": json.dumps(dict(self.bench.storage.few_bits)),
            "inference_bytes": self.bench.activations.inference,
            "training_bytes": self.bench.activations.training,
            "budgets": json.dumps(dict(job.budgets)),
        }
