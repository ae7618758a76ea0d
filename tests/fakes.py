"""A search without networks: layers whose accuracy and bytes follow from their budgets by a formula."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sparsecnn.search import Candidate, Trial

SIZES = {"small": 10, "large": 100}


@dataclass
class FakeNetworks:
    """Every weight takes 4 bytes; each layer that is cut costs its price a weight, in points of accuracy.

    `failing` names (layer, round) pairs whose training fails in `failing_phase`; `refined` is what refining adds.
    """

    prices: Mapping[str, float]
    failing: frozenset[tuple[str, int]] = frozenset()
    failing_phase: str = "candidate"
    refined: float = 0.0
    sizes: Mapping[str, int] = field(default_factory=lambda: SIZES)
    asked: list[Candidate] = field(default_factory=list)

    def start(self) -> Trial:
        return self._trial(Candidate(0, 0, "base", None, dict(self.sizes), None))

    def evaluate(self, candidates: Sequence[Candidate]) -> list[Trial]:
        self.asked.extend(candidates)
        return [self._trial(candidate) for candidate in candidates]

    def layer_bytes(self, trial: Trial, layer: str, budget: int) -> int:
        return 4 * budget

    def _trial(self, candidate: Candidate) -> Trial:
        lost = sum(price * (self.sizes[layer] - candidate.budgets[layer]) for layer, price in self.prices.items())
        accuracy = 90.0 - lost + (self.refined if candidate.phase == "refined" else 0.0)
        return Trial(
            candidate=candidate,
            key=f"{candidate.phase}{candidate.number}",
            has_failed=(candidate.layer, candidate.round) in self.failing and candidate.phase == self.failing_phase,
            memory_bytes=4 * sum(candidate.budgets.values()),
            val_accuracy=accuracy,
            val_loss=100.0 - accuracy,
            layer_nonzeros=dict(candidate.budgets),
        )
