"""`train`: one network under one allocation and one regularizer, over one or more seeds."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparsecnn.allocation import Allocation
from sparsecnn.budgets import Budgets
from sparsecnn.errors import DivergedError
from sparsecnn.executors import Executor, Serial
from sparsecnn.experiments.jobs import Job
from sparsecnn.experiments.opened import opened
from sparsecnn.experiments.outcome import Outcome
from sparsecnn.experiments.parts import Parts
from sparsecnn.experiments.progress import Progress
from sparsecnn.experiments.recording import EpochLog
from sparsecnn.experiments.run_folder import Run
from sparsecnn.experiments.seeds import checked_seeds
from sparsecnn.experiments.work import Preparation
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.results import CandidateRow
from sparsecnn.solvers import Solver

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Train:
    """The same training repeated under each of `seeds`; the paper's claims are over repetitions, too."""

    parts: Parts
    solver: Solver
    regularizer: Callable[[Budgets], Regularizer]
    allocation: Allocation
    executor: Executor = field(default_factory=Serial)
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        checked_seeds(self.seeds)

    def follow(self) -> bool:
        """Whether this process has only done its part of what another one of the same command trains."""
        return self.executor.follow(Preparation(self.parts, None))

    def execute(
        self, run: Run, identity: Mapping[str, Any], progress: Progress, epoch_logs: tuple[EpochLog, ...] = ()
    ) -> Outcome:
        """Trains what is not yet in the store and returns the rows of all seeds.

        A diverged seed is recorded and the others go on; DivergedError is raised when none is left.
        """
        bench = Workbench.of(self.parts)
        jobs = [self._job(bench, number, seed) for number, seed in enumerate(self.seeds)]
        rows: list[CandidateRow] = []
        with opened(run, bench, self.executor, identity, progress, epoch_logs) as recorder:
            for _, row in recorder.each(jobs):
                rows.append(row)
                if row.status == "ok":
                    run.publish(recorder.weights(row.key), f"seed{row.seed}")
                    _warn_of_budgets(row)
                progress.networks(len(rows), len(jobs), _note(row), len(rows) / len(jobs))
        if all(row.status == "failed" for row in rows):
            raise DivergedError(f"every training failed: {rows[-1].error}")
        return Outcome(run.store.table())

    def _job(self, bench: Workbench, number: int, seed: int) -> Job:
        budgets = self.allocation(prunable_weights(bench.fresh_model(seed)), bench.layer_sizes)
        return Job(
            number=number,
            round=0,
            phase="train",
            layer=None,
            parent=None,
            seed=seed,
            budgets=budgets,
            solver=self.solver,
            regularizer=self.regularizer(budgets),
        )


def _warn_of_budgets(row: CandidateRow) -> None:
    kept, budgets = json.loads(row.layer_nonzeros or "{}"), json.loads(row.budgets)
    above = [name for name, budget in budgets.items() if kept[name] > budget]
    if above:
        log.warning("seed %d: the regularizer does not hold the budget of %s", row.seed, ", ".join(above))


def _note(row: CandidateRow) -> str:
    return f"test {row.test_accuracy:.2f} %" if row.test_accuracy is not None else str(row.error)
