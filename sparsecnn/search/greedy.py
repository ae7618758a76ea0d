"""The greedy search: in each round, one candidate a layer with that layer's budget tightened; the best goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sparsecnn.budgets import tightened
from sparsecnn.results import Phase
from sparsecnn.search.cut import Cut, best
from sparsecnn.search.selection import Selection
from sparsecnn.search.stopping import Stopping
from sparsecnn.search.tightening import Tightening
from sparsecnn.search.trial import Candidate, Evaluate, LayerBytes, Trial
from sparsecnn.sizes import readable


@dataclass(frozen=True)
class Round:
    """One closed round: its trials, in the order they were tried, and the incumbent it ends with.

    `stop` says why the search ends here; None while it goes on. The start is round 0.
    """

    number: int
    trials: tuple[Trial, ...]
    incumbent: Trial
    stop: str | None = None

    def shortfall(self, target_bytes: float | None) -> str | None:
        """Of the last round: why the search fell short of what was asked, or None."""
        memory = self.incumbent.memory_bytes
        if target_bytes is not None and memory > target_bytes:
            reached, wanted = readable(memory), readable(target_bytes)
            return f"the target of {wanted} is not reached: the search ended at {reached} ({self.stop})"
        if self.incumbent.candidate.round == 0 and self.number > 0:
            return f"nothing was accepted: {self.stop}"
        return None


@dataclass(frozen=True)
class Greedy:
    """The rules of a search.

    With `refines`, each winner is trained once more, longer, before it becomes the incumbent; the refined network takes
    the winner's place if it is at least as accurate on the validation split. `cuts` leave candidates out before they
    are trained to the end, one cut after the other. Source: Collins & Kohli 2014 for the search; step, retraining,
    refinement and cuts are this project's choice.
    """

    tighten: Tightening
    select: Selection
    stopping: Stopping
    refines: bool = False
    cuts: tuple[Cut, ...] = ()

    def run(self, start: Trial, evaluate: Evaluate, layer_bytes: LayerBytes) -> Iterator[Round]:
        """Yields the start and then every round as it closes; the last one says why the search stopped."""
        incumbent, number, tried = start, 0, start.candidate.number + 1
        closed = Round(0, (start,), start, self.stopping.before_round(start, 0))
        while closed.stop is None:
            yield closed
            number += 1
            trials, winner = self._round(incumbent, number, tried, evaluate, layer_bytes)
            tried += len(trials)
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

    def _round(
        self, incumbent: Trial, number: int, tried: int, evaluate: Evaluate, layer_bytes: LayerBytes
    ) -> tuple[list[Trial], Trial | None]:
        """All trials of a round but the refinement, and its winner, None when all candidates failed."""
        trials: list[Trial] = []
        candidates = self._candidates(incumbent, number, layer_bytes)
        for cut in self.cuts:
            left = cut.left(len(candidates))
            if left < len(candidates):
                early = evaluate(_numbered(candidates, cut.phase, tried + len(trials)))
                trials += early
                kept = {trial.candidate.layer for trial in best(early, incumbent, left, self.select)}
                candidates = [candidate for candidate in candidates if candidate.layer in kept]
        finished = evaluate(_numbered(candidates, "candidate", tried + len(trials))) if candidates else []
        trials += finished
        good = [trial for trial in finished if not trial.has_failed]
        return trials, self.select(good, incumbent) if good else None

    def _candidates(self, incumbent: Trial, number: int, layer_bytes: LayerBytes) -> list[Candidate]:
        lowered = self.tighten(incumbent, layer_bytes)
        present = incumbent.candidate.budgets
        return [
            Candidate(0, number, "candidate", layer, tightened(present, layer, budget), incumbent.key)
            for layer, budget in lowered.items()
        ]


def _numbered(candidates: Sequence[Candidate], phase: Phase, first: int) -> list[Candidate]:
    return [replace(candidate, number=first + place, phase=phase) for place, candidate in enumerate(candidates)]


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
