"""The words of the search: candidates to be tried, trials that were."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sparsecnn.budgets import Budgets
from sparsecnn.results import Phase


@dataclass(frozen=True)
class Candidate:
    """One network of a search before it is trained: what it starts from, and which budgets bind it.

    `parent` is the key of the trial whose weights it starts from, None for the base; `number` counts the networks of
    the search.
    """

    number: int
    round: int
    phase: Phase
    layer: str | None
    budgets: Budgets
    parent: str | None


@dataclass(frozen=True)
class Trial:
    """A candidate with its result, as far as the search may know it: validation only, never the test split.

    `layer_nonzeros` are the nonzeros left in each layer. A failed trial has infinite memory and loss and no accuracy.
    """

    candidate: Candidate
    key: str
    has_failed: bool
    memory_bytes: float
    val_accuracy: float
    val_loss: float
    layer_nonzeros: Mapping[str, int]


# Trains and measures candidates, in any order and anywhere; results come back in the order asked for.
Evaluate = Callable[[Sequence[Candidate]], Sequence[Trial]]

# Bytes of one layer of a trial's network if it kept only so many of its largest weights.
LayerBytes = Callable[[Trial, str, int], int]
