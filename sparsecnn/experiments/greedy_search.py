"""`greedy-search`: from a trained dense network down, one layer's budget at a time."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from sparsecnn.allocation import dense
from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.experiments.layer_bytes import LayerBytesOf
from sparsecnn.experiments.outcome import Outcome
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.recording import EpochLog, Job, Recorder
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.seeds import checked_seeds
from sparsecnn.experiments.trials import as_trial
from sparsecnn.experiments.workbench import Parts
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Nothing, Regularizer, l0_projection
from sparsecnn.search import Candidate, Greedy, Round, Selection, Stopping, Tightening, Trial
from sparsecnn.sizes import readable, to_bytes
from sparsecnn.solvers import Solver

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GreedySearch:
    """The search over each of `seeds`.

    `solver` trains the dense base, `retrain` each candidate, `refine` each winner once more (None leaves that out).
    `target_memory` is a number of bytes, a text like "64KiB", or a share of the dense memory like "1/20".
    """

    parts: Parts
    solver: Solver
    retrain: Solver
    regularizer: Callable[[Budgets], Regularizer]
    tighten: Tightening
    select: Selection
    refine: Solver | None = None
    target_memory: str | float | None = None
    accuracy_floor: float | None = None
    rounds: int | None = None
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        checked_seeds(self.seeds)
        if not self.parts.validation_share:
            raise ConfigError("greedy-search chooses on a validation split: validation.share must be above 0")
        self.stopping(1)

    def execute(
        self, run: Run, identity: Mapping[str, Any], progress: Progress, epoch_logs: tuple[EpochLog, ...] = ()
    ) -> Outcome:
        """Runs what is not yet in the store and returns all rows, and why a search fell short.

        It falls short when it accepted nothing or stopped above `target_memory`. Raises DivergedError when a base
        fails; everything is recorded before.
        """
        recorder = Recorder(run, self.parts.set_up(), progress, epoch_logs, identity)
        reasons = [_Search(self, recorder, seed).run() for seed in self.seeds]
        return Outcome(run.store.table(), next((reason for reason in reasons if reason is not None), None))

    def stopping(self, dense_bytes: int) -> Stopping:
        """The stopping rules for a network that takes so many bytes dense."""
        try:
            target = None if self.target_memory is None else to_bytes(self.target_memory, dense_bytes)
        except ValueError as error:
            raise ConfigError(f"search.target_memory: {error}") from error
        return Stopping(target, self.rounds, self.accuracy_floor)


@dataclass(frozen=True)
class _Search:
    """The search under one seed."""

    rules: GreedySearch
    recorder: Recorder
    seed: int
    jobs: dict[str, Job] = field(default_factory=dict)

    def run(self) -> str | None:
        """Searches, and returns why the search fell short, or None."""
        start = self._start()
        dense_bytes = int(start.memory_bytes)
        rules = self.rules
        stopping = rules.stopping(dense_bytes)
        greedy = Greedy(rules.tighten, rules.select, stopping, refines=rules.refine is not None)
        layer_bytes = LayerBytesOf(self.recorder.bench, self._weights)
        closed = Round(0, (), start)
        for closed in greedy.run(start, self._evaluate, layer_bytes):
            self._close(closed, dense_bytes, stopping)
        log.info("seed %d: %s", self.seed, closed.stop)
        return _shortfall(closed, stopping)

    def _start(self) -> Trial:
        bench = self.recorder.bench
        budgets = dense(prunable_weights(bench.fresh_model(self.seed)))
        job = Job(
            number=0,
            round=0,
            phase="base",
            layer=None,
            parent=None,
            seed=self.seed,
            budgets=budgets,
            start=lambda: bench.fresh_model(self.seed),
            solver=None if bench.parts.weights else self.rules.solver,
            regularizer=Nothing(),
        )
        trial = self._tried(Candidate(0, 0, "base", None, budgets, None), job)
        if trial.has_failed:
            raise DivergedError(f"the dense base failed: {self.recorder.once(job).error}")
        return trial

    def _evaluate(self, candidates: Sequence[Candidate]) -> list[Trial]:
        return [self._tried(candidate, self._job(candidate)) for candidate in candidates]

    def _tried(self, candidate: Candidate, job: Job) -> Trial:
        trial = as_trial(candidate, self.recorder.once(job))
        self.jobs[trial.key] = job
        return trial

    def _weights(self, key: str) -> Path:
        """The file of a network tried before, which may be one that the same search refused under another floor."""
        return self.recorder.weights(self.jobs[key])

    def _job(self, candidate: Candidate) -> Job:
        parent = candidate.parent
        assert parent is not None
        project = l0_projection(candidate.budgets)

        def finish_(model: nn.Module) -> None:
            # Whatever regularizer trained it, a candidate is measured within its budgets.
            project.settle_(prunable_weights(model))

        return Job(
            number=candidate.number,
            round=candidate.round,
            phase=candidate.phase,
            layer=candidate.layer,
            parent=parent,
            seed=self.seed,
            budgets=candidate.budgets,
            start=lambda: self.recorder.bench.stored_model(self._weights(parent)),
            solver=self.rules.refine if candidate.phase == "refined" else self.rules.retrain,
            regularizer=self.rules.regularizer(candidate.budgets),
            finish_=finish_,
        )

    def _close(self, closed: Round, dense_bytes: int, stopping: Stopping) -> None:
        incumbent, run = closed.incumbent, self.recorder.run
        if any(trial.key == incumbent.key for trial in closed.trials):
            run.store.accept(incumbent.key)
        weights = self._weights(incumbent.key)
        if closed.number == 0:
            run.publish(weights, f"base_seed{self.seed}")
        for trial in closed.trials:
            if not run.store.is_accepted(trial.key):  # an earlier search may have accepted what this one refuses
                run.checkpoint(trial.key).unlink(missing_ok=True)
        memory, accuracy = readable(incumbent.memory_bytes), f"{incumbent.val_accuracy:.2f} %"
        log.info("seed %d, round %d: best %s, %s on validation", self.seed, closed.number, memory, accuracy)
        done = (closed.trials or (incumbent,))[-1].candidate.number + 1
        share = _share_done(incumbent.memory_bytes, dense_bytes, closed.number, stopping)
        self.recorder.progress.networks(done, None, f"round {closed.number}, best {memory}, {accuracy}", share)


def _share_done(memory: float, dense_bytes: int, rounds: int, stopping: Stopping) -> float | None:
    """How much of the search is done, as far as its stopping rules tell."""
    if stopping.target_bytes is not None and 0 < stopping.target_bytes < dense_bytes:
        return min(1.0, math.log(dense_bytes / memory) / math.log(dense_bytes / stopping.target_bytes))
    return rounds / stopping.rounds if stopping.rounds else None


def _shortfall(last: Round, stopping: Stopping) -> str | None:
    memory = last.incumbent.memory_bytes
    if stopping.target_bytes is not None and memory > stopping.target_bytes:
        reached, wanted = readable(memory), readable(stopping.target_bytes)
        return f"the target of {wanted} is out of reach: the search got to {reached} ({last.stop})"
    if last.incumbent.candidate.round == 0 and last.number > 0:
        return f"nothing was accepted: {last.stop}"
    return None
