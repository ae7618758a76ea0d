"""The greedy search: in each round, one candidate a layer with that layer's budget tightened; the best goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sparsecnn.budgets import tightened
from sparsecnn.search.selection import Selection
from sparsecnn.search.stopping import Stopping
from sparsecnn.search.tightening import Tightening
from sparsecnn.search.trial import Candidate, Evaluate, LayerBytes, Trial


@dataclass(frozen=True)
class Round:
    """One closed round: its trials, in the order they were tried, and the incumbent it ends with.

    `stop` says why the search ends here; None while it goes on. The start is round 0.
    """

    number: int
    trials: tuple[Trial, ...]
    incumbent: Trial
    stop: str | None = None


@dataclass(frozen=True)
class Greedy:
    """The rules of a search. With `refines`, each winner is trained once more, longer, before it becomes the incumbent.

    The refined network takes the winner's place if it is at least as accurate on the validation split.
    Source: Collins & Kohli 2014 for the search; step, retraining and refinement are this project's choice.
    """

    tighten: Tightening
    select: Selection
    stopping: Stopping
    refines: bool = False

    def run(self, start: Trial, evaluate: Evaluate, layer_bytes: LayerBytes) -> Iterator[Round]:
        """Yields the start and then every round as it closes; the last one says why the search stopped."""
        incumbent, number, tried = start, 0, start.candidate.number + 1
        closed = Round(0, (start,), start, self.stopping.before_round(start, 0))
        while closed.stop is None:
            yield closed
            number += 1
            candidates = self._candidates(incumbent, number, tried, layer_bytes)
            trials = list(evaluate(candidates)) if candidates else []
            tried += len(trials)
            finished = [trial for trial in trials if not trial.has_failed]
            winner = self.select(finished, incumbent) if finished else None
            if winner is None or self.stopping.refuses(winner):
                closed = Round(number, tuple(trials), incumbent, _why(trials, winner))
                break
            if self.refines:
                refined = evaluate([_refinement(winner, tried)])[0]
                trials.append(refined)
                tried += 1
                winner = _better(winner, refined)
            incumbent = winner
            closed = Round(number, tuple(trials), incumbent, self.stopping.before_round(incumbent, number))
        yield closed

    def _candidates(self, incumbent: Trial, number: int, tried: int, layer_bytes: LayerBytes) -> Sequence[Candidate]:
        lowered = self.tighten(incumbent, layer_bytes)
        present = incumbent.candidate.budgets
        return [
            Candidate(tried + place, number, "candidate", layer, tightened(present, layer, budget), incumbent.key)
            for place, (layer, budget) in enumerate(lowered.items())
        ]


def _refinement(winner: Trial, number: int) -> Candidate:
    return replace(winner.candidate, number=number, phase="refined", parent=winner.key)


def _better(winner: Trial, refined: Trial) -> Trial:
    if refined.has_failed or refined.val_accuracy < winner.val_accuracy:
        return winner
    return refined


def _why(trials: Sequence[Trial], winner: Trial | None) -> str:
    if not trials:
        return "no layer can shrink further"
    if winner is None:
        return "every candidate of the round failed"
    return "the best candidate is below the accuracy floor"
