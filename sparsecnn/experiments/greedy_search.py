"""`greedy-search`: from a trained dense network down, one layer's budget at a time."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.executors import Executor, Serial
from sparsecnn.experiments.candidate_jobs import CandidateJobs
from sparsecnn.experiments.jobs import Job
from sparsecnn.experiments.layer_bytes import LayerBytesOf
from sparsecnn.experiments.opened import opened
from sparsecnn.experiments.outcome import Outcome
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.progress import Progress, SeedsProgress
from sparsecnn.experiments.recording import EpochLog, Recorder
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.seeds import checked_seeds
from sparsecnn.experiments.side_by_side import side_by_side
from sparsecnn.experiments.starting import START_RULES, Ground
from sparsecnn.experiments.trials import as_trial
from sparsecnn.experiments.work import Preparation
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.regularizers import Regularizer
from sparsecnn.search import Candidate, Cut, Greedy, Round, Selection, Stopping, Tightening, Trial
from sparsecnn.sizes import readable, to_bytes
from sparsecnn.solvers import Solver

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GreedySearch:
    """The search over each of `seeds`.

    `solver` trains the dense base, `retrain` each candidate, `refine` each winner once more (None leaves that out).
    `target_memory` is a number of bytes, a text like "64KiB", or a share of the dense memory like "1/20".

    What makes a search cheaper is this project's choice, and off by default. With `start` "lamp" or "knapsack" the
    first incumbent is not the dense network but one of `start_memory`, allocated by that rule and trained by
    `start_training` (or `refine`, or `retrain`); of several such amounts, the largest first, each network starts from
    the one before, which stays on the frontier, and those that the dense network fits into are left out. With `screen`
    only the share `screen_keep` of a round's candidates is trained: those that `select` prefers by loss and accuracy on
    `screen_images` images of the validation split after projection. With `halving` only that share of them is trained
    beyond the share `halving_after` of its steps.
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
    start: Literal["dense", "lamp", "knapsack"] = "dense"
    start_memory: str | float | Sequence[str | float] = "1/4"
    start_training: Solver | None = None
    screen: Literal["projected_loss"] | None = None
    screen_keep: float = 0.34
    screen_images: int = 1000
    halving: float | None = None
    halving_after: float = 0.2
    executor: Executor = field(default_factory=Serial)
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        checked_seeds(self.seeds)
        if not self.parts.validation_share:
            raise ConfigError("greedy-search chooses on a validation split: validation.share must be above 0")
        if not 0 < self.halving_after < 1:
            raise ConfigError(f"search.halving_after must be in (0, 1), got {self.halving_after}")
        if self.screen_images < 1:
            raise ConfigError(f"search.screen_images must be at least 1, got {self.screen_images}")
        self.stopping(1)
        limits = self.start_bytes(1)
        # How shares compare with bytes, the dense network tells.
        self._require_falling([share for share in limits if share <= 1], [size for size in limits if size > 1])
        assert self.cuts is not None  # made here, so that a share out of its range is refused at once

    def follow(self) -> bool:
        """Whether this process has only done its part of what another one of the same command trains."""
        return self.executor.follow(Preparation(self.parts, None))

    def execute(
        self, run: Run, identity: Mapping[str, Any], progress: Progress, epoch_logs: tuple[EpochLog, ...] = ()
    ) -> Outcome:
        """Runs what is not yet in the store and returns all rows, and why a search fell short.

        It falls short when it accepted nothing or stopped above `target_memory`. Raises DivergedError when a base
        fails; everything is recorded before.
        """
        bench = Workbench.of(self.parts)
        if self.start != "dense":
            self._require_falling(self.start_bytes(bench.dense_bytes))
        if not isinstance(self.regularizer(bench.layer_sizes), Regularizer):  # now, not after the base's training
            raise ConfigError("regularizer._target_ must give what has begin_, apply_, settle_ and support")
        with opened(run, bench, self.executor, identity, progress, epoch_logs) as recorder:
            told = SeedsProgress(progress, len(self.seeds))
            searches = [_Search(self, recorder, told, self._jobs(recorder, seed)) for seed in self.seeds]
            reasons = side_by_side([search.run for search in searches], recorder.pool, self.executor.at_once)
        return Outcome(run.store.table(), next((reason for reason in reasons if reason is not None), None))

    def stopping(self, dense_bytes: int) -> Stopping:
        """The stopping rules for a network that takes so many bytes dense."""
        target = None if self.target_memory is None else _bytes("target_memory", self.target_memory, dense_bytes)
        return Stopping(target, self.rounds, self.accuracy_floor)

    def start_bytes(self, dense_bytes: int) -> list[float]:
        """The memory that each allocated start may take."""
        sizes = [self.start_memory] if isinstance(self.start_memory, str | float | int) else self.start_memory
        return [_bytes("start_memory", size, dense_bytes) for size in sizes]

    def _require_falling(self, *starts: Sequence[float]) -> None:
        if not any(starts) or any(after >= before for limits in starts for before, after in pairwise(limits)):
            raise ConfigError(f"search.start_memory must fall from one start to the next, got {self.start_memory}")

    @cached_property
    def cuts(self) -> tuple[Cut, ...]:
        """What leaves candidates out before they are trained to the end."""
        screening = [] if self.screen is None else [Cut("screened", self.screen_keep)]
        halving = [] if self.halving is None else [Cut("rung", self.halving)]
        return (*screening, *halving)

    def _jobs(self, recorder: Recorder, seed: int) -> CandidateJobs:
        steps = self.retrain.steps_for(len(recorder.bench.trainer.split))
        if self.halving is not None and steps < 2:
            raise ConfigError("search.halving needs candidates of at least 2 steps, search.retrain has 1")
        rung = 0 if self.halving is None else min(max(1, round(self.halving_after * steps)), steps - 1)
        base = self.solver if self.parts.weights_of(seed) is None else None
        return CandidateJobs(
            seed=seed,
            base=base,
            start=self.start_training or self.refine or self.retrain,
            retrain=self.retrain,
            refine=self.refine or self.retrain,
            regularizer=self.regularizer,
            rung=rung,
            screen_images=self.screen_images,
        )


@dataclass(frozen=True)
class _Search:
    """The search under one seed."""

    rules: GreedySearch
    recorder: Recorder
    progress: SeedsProgress
    jobs: CandidateJobs

    def run(self) -> str | None:
        """Searches, and returns why the search fell short, or None."""
        rules, layer_bytes = self.rules, LayerBytesOf(self.recorder.bench, self.recorder.weights)
        base = self._base()
        dense_bytes = int(base.memory_bytes)
        stopping = rules.stopping(dense_bytes)
        greedy = Greedy(rules.tighten, rules.select, stopping, rules.refine is not None, rules.cuts)
        start = base
        if rules.start != "dense":
            # One list of starts serves networks of several sizes.
            for limit in (limit for limit in rules.start_bytes(dense_bytes) if limit < dense_bytes):
                start = self._allocated(start, limit, layer_bytes)
        closed = Round(0, (), start)
        for closed in greedy.run(start, self._evaluate, layer_bytes):
            self._close(closed, dense_bytes, stopping)
        log.info("seed %d: %s", self.jobs.seed, closed.stop)
        return closed.shortfall(stopping.target_bytes)

    def _base(self) -> Trial:
        budgets = self.recorder.bench.layer_sizes
        candidate = Candidate(0, 0, "base", None, dict(budgets), None)
        base = self._evaluate([candidate])[0]
        if base.has_failed:
            raise DivergedError(f"the dense base failed: {self.recorder.rows([self.jobs(candidate)])[0].error}")
        self.recorder.run.publish(self.recorder.weights(base.key), f"base_seed{self.jobs.seed}")
        return base

    def _allocated(self, before: Trial, limit_bytes: float, layer_bytes: LayerBytesOf) -> Trial:
        """The network of so many bytes that takes the place of `before`, the dense one or a larger start."""
        self.recorder.run.store.accept(before.key)
        ground = Ground(before, layer_bytes.weights(before.key), self.recorder.bench.layer_sizes, layer_bytes)
        budgets, tried = START_RULES[self.rules.start](ground, limit_bytes, self._evaluate)
        number = before.candidate.number + tried + 1
        start = self._evaluate([Candidate(number, 0, "start", None, budgets, before.key)])[0]
        if start.has_failed:
            raise DivergedError("the network allocated by search.start failed; search.start=dense does without it")
        return start

    def _evaluate(self, candidates: Sequence[Candidate]) -> list[Trial]:
        jobs = [self.jobs(candidate) for candidate in candidates]
        begun = [replace(job, since=self.jobs.rung) if self._was_measured_on_its_way(job) else job for job in jobs]
        return [as_trial(*pair) for pair in zip(candidates, self.recorder.rows(begun), strict=True)]

    def _was_measured_on_its_way(self, job: Job) -> bool:
        if job.phase != "candidate" or not self.jobs.rung:
            return False
        return self.recorder.key(replace(job, phase="rung", stop=self.jobs.rung)) in self.recorder.jobs

    def _close(self, closed: Round, dense_bytes: int, stopping: Stopping) -> None:
        incumbent, recorder = closed.incumbent, self.recorder
        if any(trial.key == incumbent.key for trial in closed.trials):
            recorder.run.store.accept(incumbent.key)
        recorder.weights(incumbent.key)
        for trial in closed.trials:
            if not recorder.run.store.is_accepted(trial.key):  # an earlier search may have accepted what this refuses
                recorder.drop(trial.key)
        memory, accuracy = readable(incumbent.memory_bytes), f"{incumbent.val_accuracy:.2f} %"
        log.info("seed %d, round %d: best %s, %s on validation", self.jobs.seed, closed.number, memory, accuracy)
        done = (closed.trials or (incumbent,))[-1].candidate.number + 1
        share = 1.0 if closed.stop else stopping.share_done(incumbent, dense_bytes, closed.number)
        self.progress.closed(self.jobs.seed, done, f"round {closed.number}, best {memory}, {accuracy}", share)


def _bytes(name: str, size: str | float, dense_bytes: int) -> float:
    try:
        return to_bytes(size, dense_bytes)
    except ValueError as error:
        raise ConfigError(f"search.{name}: {error}") from error
