"""`ensemble`: several sparse networks in the memory of one, their class probabilities averaged."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from sparsecnn.budgets import Budgets
from sparsecnn.digests import digest
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.executors import Executor, Serial
from sparsecnn.experiments.ensemble_file import Room, as_packed, ensemble_row
from sparsecnn.experiments.jobs import Job
from sparsecnn.experiments.opened import opened
from sparsecnn.experiments.outcome import Outcome
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.recording import EpochLog, Recorder
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.seeds import checked_seeds
from sparsecnn.experiments.within_bytes import WithinBytes, densest
from sparsecnn.experiments.work import Preparation
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import prunable_weights
from sparsecnn.packing import joined
from sparsecnn.regularizers import Regularizer
from sparsecnn.results import CandidateRow
from sparsecnn.sizes import to_bytes
from sparsecnn.solvers import Solver
from sparsecnn.whole_files import write_bytes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ensemble:
    """An ensemble of `networks` for each of `seeds`: that of seed s trains under the seeds s * networks and on.

    One file holds all of them and takes at most `target_memory`: a number of bytes, a text like "64KiB", a share of
    the dense memory like "1/2", or "dense", the file of one dense network. Each gets the same part of it and the
    greatest density of `allocation` that fits, or stays dense if all can.
    """

    parts: Parts
    solver: Solver
    regularizer: Callable[[Budgets], Regularizer]
    allocation: Callable[..., Budgets]
    networks: int
    target_memory: str | float = "dense"
    executor: Executor = field(default_factory=Serial)
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        checked_seeds(self.seeds)
        if self.networks < 1:
            raise ConfigError(f"ensemble.networks must be at least 1, got {self.networks}")
        checked_seeds(
            [self._seed(place, number) for place in range(len(self.seeds)) for number in range(self.networks)]
        )
        if "density" not in signature(self.allocation).parameters:
            raise ConfigError("ensemble needs an allocation with a density, such as uniform")
        self._limit_bytes(dense_bytes=1, one_file_bytes=1)  # so that a text that is no size is refused at once

    def follow(self) -> bool:
        """Whether this process has only done its part of what another one of the same command trains."""
        return self.executor.follow(Preparation(self.parts, None))

    def execute(
        self, run: Run, identity: Mapping[str, Any], progress: Progress, epoch_logs: tuple[EpochLog, ...] = ()
    ) -> Outcome:
        """Trains, joins and measures what is not yet in the store; returns the rows of all networks and ensembles.

        An ensemble of which a network diverged is left out; DivergedError is raised when none is left.
        """
        bench = Workbench.of(self.parts)
        room = Room.of(bench, self.networks)
        limit = self._limit_bytes(room.dense_bytes, room.one_file_bytes)
        jobs = [job for place in range(len(self.seeds)) for job in self._jobs(bench, place, room, limit)]
        with opened(run, bench, self.executor, identity, progress, epoch_logs) as recorder:
            rows = _trained(recorder, jobs, progress)
            whole = [(seed, members) for seed, members in self._ensembles(rows) if _is_whole(seed, members)]
            if not whole:
                raise DivergedError(f"no ensemble is whole: {next(row.error for row in rows if row.error)}")
            for seed, members in whole:
                _write(recorder, seed, members)
        ready = bench.ready()
        for seed, members in whole:
            if run.store.find(_key(members)) is None:
                run.store.add(
                    ensemble_row(ready, _path(run, seed), members, key=_key(members), number=self.networks, seed=seed)
                )
        return Outcome(run.store.table(), _shortfall([_path(run, seed) for seed, _ in whole], limit))

    def _seed(self, place: int, number: int) -> int:
        """Of a network of the ensemble of the seed at `place`."""
        return self.seeds[place] * self.networks + number

    def _limit_bytes(self, dense_bytes: int, one_file_bytes: int) -> float:
        """What a file may take."""
        if self.target_memory == "dense":
            return one_file_bytes
        try:
            return to_bytes(self.target_memory, dense_bytes)
        except ValueError as error:
            raise ConfigError(f"ensemble.target_memory: {error}; or dense") from error

    def _jobs(self, bench: Workbench, place: int, room: Room, limit_bytes: float) -> Iterator[Job]:
        """The networks of the ensemble of the seed at `place`."""
        for number in range(self.networks):
            seed = self._seed(place, number)
            weights = prunable_weights(bench.fresh_model(seed))
            budgets: Budgets = dict(bench.layer_sizes)
            bound = None
            if not room.fits_dense(limit_bytes):
                bound = WithinBytes(bench.storage, room.layers_bytes(limit_bytes))
                budgets = densest(
                    partial(self.allocation, weights, bench.layer_sizes), weights, bench.storage, bound.limit_bytes
                )
            yield Job(
                number=number,
                round=0,
                phase="member",
                layer=None,
                parent=None,
                seed=seed,
                budgets=budgets,
                solver=self.solver,
                regularizer=self.regularizer(budgets),
                bound=bound,
            )

    def _ensembles(self, rows: Sequence[CandidateRow]) -> Iterator[tuple[int, Sequence[CandidateRow]]]:
        for place, seed in enumerate(self.seeds):
            yield seed, rows[place * self.networks : (place + 1) * self.networks]


def _trained(recorder: Recorder, jobs: Sequence[Job], progress: Progress) -> list[CandidateRow]:
    """The rows of all networks, in their order."""
    rows: dict[int, CandidateRow] = {}
    for place, row in recorder.each(jobs):
        rows[place] = row
        note = f"seed {row.seed}: " + (f"test {row.test_accuracy:.2f} %" if row.status == "ok" else str(row.error))
        progress.networks(len(rows), len(jobs), note, len(rows) / len(jobs))
    return [rows[place] for place in range(len(jobs))]


def _is_whole(seed: int, members: Sequence[CandidateRow]) -> bool:
    failed = [row for row in members if row.status != "ok"]
    if failed:
        log.warning("the ensemble of seed %d is left out: its network of seed %d failed", seed, failed[0].seed)
    return not failed


def _write(recorder: Recorder, seed: int, members: Sequence[CandidateRow]) -> None:
    """Makes the file of an ensemble, unless it is there, and as long as its finished row says."""
    path, run = _path(recorder.run, seed), recorder.run
    row = run.store.find(_key(members))
    if row is not None and path.is_file() and path.stat().st_size == row.memory_bytes:
        return
    bench = recorder.bench
    models = (bench.stored_model(recorder.weights(row.key)) for row in members)
    write_bytes(path, joined([as_packed(bench, model) for model in models]).to_bytes())


def _path(run: Run, seed: int) -> Path:
    return run.info.folder / f"ensemble_seed{seed}.safetensors"


def _key(members: Sequence[CandidateRow]) -> str:
    """The name of an ensemble: its networks' keys hold all that makes it."""
    return digest({"phase": "ensemble", "members": [row.key for row in members]})


def _shortfall(paths: Sequence[Path], limit_bytes: float) -> str | None:
    """A dense network may come out with a weight of zero, which its file says in a few bytes more."""
    above = [path for path in paths if path.stat().st_size > limit_bytes]
    return f"{above[0]} takes {above[0].stat().st_size} bytes, above {limit_bytes:.0f}" if above else None
