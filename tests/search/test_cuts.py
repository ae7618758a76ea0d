"""Leaving candidates out before they are trained to the end."""

from collections.abc import Sequence

import pytest
from fakes import FakeNetworks

from sparsecnn.errors import ConfigError
from sparsecnn.search import ByFactor, Cut, Greedy, Stopping, accuracy

PRICES = {"a": 0.3, "b": 0.1, "c": 0.4, "d": 0.2}


def networks(failing: Sequence[str] = ()) -> FakeNetworks:
    """Four layers of ten weights each; those named fail after their first steps."""
    fails = frozenset((layer, 1) for layer in failing)
    return FakeNetworks(PRICES, failing=fails, failing_phase="rung", sizes=dict.fromkeys(PRICES, 10))


def asked(networks: FakeNetworks, *cuts: Cut) -> list[tuple[int, str, str | None]]:
    greedy = Greedy(ByFactor(0.5), accuracy, Stopping(rounds=1), cuts=cuts)
    found = list(greedy.run(networks.start(), networks.evaluate, networks.layer_bytes))
    assert [trial.candidate for trial in found[-1].trials] == networks.asked
    return [(candidate.number, candidate.phase, candidate.layer) for candidate in networks.asked]


def test_only_the_better_part_is_trained_to_the_end() -> None:
    assert asked(networks(), Cut("rung", 0.5)) == [
        (1, "rung", "a"),
        (2, "rung", "b"),
        (3, "rung", "c"),
        (4, "rung", "d"),
        (5, "candidate", "b"),
        (6, "candidate", "d"),
    ]


def test_cuts_follow_one_another() -> None:
    phases = [phase for _, phase, _ in asked(networks(), Cut("screened", 0.5), Cut("rung", 0.3))]
    assert phases == ["screened"] * 4 + ["rung"] * 2 + ["candidate"]


def test_a_failed_candidate_does_not_go_on() -> None:
    went_on = [layer for _, phase, layer in asked(networks(failing=["b"]), Cut("rung", 0.5)) if phase == "candidate"]
    assert went_on == ["a", "d"]


def test_a_round_in_which_all_fail_early_ends_the_search() -> None:
    failing = networks(failing=list(PRICES))
    assert {phase for _, phase, _ in asked(failing, Cut("rung", 0.5))} == {"rung"}


def test_a_cut_that_keeps_everything_is_not_measured() -> None:
    assert {phase for _, phase, _ in asked(networks(), Cut("rung", 0.9))} == {"candidate"}


@pytest.mark.parametrize(("phase", "name"), [("screened", "screen_keep"), ("rung", "halving")])
def test_a_cut_keeps_a_share(phase: str, name: str) -> None:
    with pytest.raises(ConfigError, match=rf"search.{name} must be in \(0, 1\), got 1"):
        Cut(phase, 1.0)  # type: ignore[arg-type]
