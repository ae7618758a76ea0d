"""Candidates of a greedy search as jobs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sparsecnn.budgets import Budgets
from sparsecnn.experiments.jobs import Job
from sparsecnn.regularizers import Nothing, Regularizer, l0_projection
from sparsecnn.search import Candidate
from sparsecnn.solvers import Solver


@dataclass(frozen=True)
class CandidateJobs:
    """Calling it gives the job of a candidate of the search under `seed`.

    `base` trains the dense network (None measures it as it is), `start` an allocated one, `retrain` a candidate,
    `refine` a winner. `rung` is the step behind which halving measures a candidate, 0 without halving; `screen_images`
    are the validation images on which a screened one is measured.
    """

    seed: int
    base: Solver | None
    start: Solver
    retrain: Solver
    refine: Solver
    regularizer: Callable[[Budgets], Regularizer]
    rung: int
    screen_images: int

    def __call__(self, candidate: Candidate) -> Job:
        """The job, in which whatever regularizer trains it, the network is measured within its budgets."""
        job = Job(
            number=candidate.number,
            round=candidate.round,
            phase=candidate.phase,
            layer=candidate.layer,
            parent=candidate.parent,
            seed=self.seed,
            budgets=candidate.budgets,
            solver=None,
            regularizer=Nothing(),
        )
        if candidate.phase == "base":
            return replace(job, solver=self.base)
        job = replace(job, bound=l0_projection(candidate.budgets))
        if candidate.phase == "screened":
            return replace(job, images=self.screen_images)
        solver = {"start": self.start, "refined": self.refine}.get(candidate.phase, self.retrain)
        stop = self.rung if candidate.phase == "rung" else None
        return replace(job, solver=solver, regularizer=self.regularizer(candidate.budgets), stop=stop)
