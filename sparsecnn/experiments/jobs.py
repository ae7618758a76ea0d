"""What an experiment asks for: one network of its table."""

from dataclasses import dataclass, replace

from sparsecnn.budgets import Budgets
from sparsecnn.regularizers import Regularizer
from sparsecnn.results import Phase
from sparsecnn.solvers import Solver


@dataclass(frozen=True)
class Job:
    """One network to be trained and recorded.

    It starts from the network whose key is `parent`, or afresh under `seed`. With no `solver` it is measured as it is.
    `bound` settles the trained network before it is measured. With `stop` it is measured behind that step on its way to
    the end of its training; `since` is the step behind which an earlier job has measured it so. With `images` it is
    measured on so many of the validation images only. Either way it is not measured on the test split.
    """

    number: int
    round: int
    phase: Phase
    layer: str | None
    parent: str | None
    seed: int
    budgets: Budgets
    solver: Solver | None
    regularizer: Regularizer
    bound: Regularizer | None = None
    stop: int | None = None
    since: int = 0
    images: int | None = None

    @property
    def title(self) -> str:
        """The job in a few words."""
        if self.phase in ("candidate", "rung", "screened"):
            return f"round {self.round}: {self.layer}"
        if self.phase == "refined":
            return f"round {self.round}: refining"
        return f"{self.phase}, seed {self.seed}"

    @property
    def whole(self) -> "Job":
        """The training that this one is the beginning of, or itself."""
        return self if self.stop is None else replace(self, phase="candidate", stop=None, since=0)
