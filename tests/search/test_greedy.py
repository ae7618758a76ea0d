"""The greedy search against a fake objective whose best path is known."""

import pytest
from fakes import FakeNetworks

from sparsecnn.search import ByFactor, Greedy, Round, Stopping, accuracy, accuracy_per_byte

HALVE = ByFactor(0.5)


def rounds(greedy: Greedy, networks: FakeNetworks) -> list[Round]:
    return list(greedy.run(networks.start(), networks.evaluate, networks.layer_bytes))


def path(found: list[Round]) -> list[tuple[str | None, dict[str, int]]]:
    return [(r.incumbent.candidate.layer, dict(r.incumbent.candidate.budgets)) for r in found]


def test_the_most_accurate_candidate_of_each_round_is_the_next_incumbent() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06})
    found = rounds(Greedy(HALVE, accuracy, Stopping(rounds=5)), networks)
    # Halving large costs 3.00, then 1.50, 0.78, 0.36; halving small costs 5, so it waits until large has 3 left.
    assert path(found) == [
        (None, {"small": 10, "large": 100}),
        ("large", {"small": 10, "large": 50}),
        ("large", {"small": 10, "large": 25}),
        ("large", {"small": 10, "large": 12}),
        ("large", {"small": 10, "large": 6}),
        ("large", {"small": 10, "large": 3}),
    ]
    assert [r.stop for r in found] == [None, None, None, None, None, "5 rounds done"]


def test_accuracy_spends_rounds_on_a_tiny_layer_where_accuracy_a_byte_does_not() -> None:
    prices = {"small": 0.1, "large": 0.02}
    by_accuracy = rounds(Greedy(HALVE, accuracy, Stopping(rounds=2)), FakeNetworks(prices))
    by_bytes = rounds(Greedy(HALVE, accuracy_per_byte, Stopping(rounds=2)), FakeNetworks(prices))
    assert [layer for layer, _ in path(by_accuracy)] == [None, "small", "small"]
    assert [layer for layer, _ in path(by_bytes)] == [None, "large", "large"]


def test_every_candidate_tightens_one_layer_of_its_parent() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06})
    found = rounds(Greedy(HALVE, accuracy, Stopping(rounds=3)), networks)
    parents = {r.incumbent.key: r.incumbent.candidate for r in found}
    for candidate in networks.asked:
        parent = parents[candidate.parent or ""]
        changed = [name for name in parent.budgets if parent.budgets[name] != candidate.budgets[name]]
        assert changed == [candidate.layer]
    assert [candidate.number for candidate in networks.asked] == list(range(1, len(networks.asked) + 1))
    assert [candidate.round for candidate in networks.asked] == [1, 1, 2, 2, 3, 3]


def test_the_search_ends_when_nothing_can_shrink() -> None:
    found = rounds(Greedy(HALVE, accuracy, Stopping()), FakeNetworks({"small": 0.0, "large": 0.0}))
    assert path(found)[-1][1] == {"small": 1, "large": 1}
    assert found[-1].stop == "no layer can shrink further"
    assert found[-1].trials == ()


def test_the_search_ends_at_its_target_memory() -> None:
    found = rounds(Greedy(HALVE, accuracy, Stopping(target_bytes=200)), FakeNetworks({"small": 1.0, "large": 0.06}))
    assert [r.incumbent.memory_bytes for r in found] == [440, 240, 140]
    assert found[-1].stop == "target memory reached"


def test_a_search_that_begins_at_its_target_runs_no_round() -> None:
    found = rounds(Greedy(HALVE, accuracy, Stopping(target_bytes=440)), FakeNetworks({"small": 1.0, "large": 1.0}))
    assert [(r.number, r.stop) for r in found] == [(0, "target memory reached")]


def test_a_winner_below_the_accuracy_floor_is_not_accepted() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06})
    found = rounds(Greedy(HALVE, accuracy, Stopping(accuracy_floor=85.0)), networks)
    assert path(found)[-1][1] == {"small": 10, "large": 25}
    assert found[-1].stop == "the best candidate is below the accuracy floor"
    assert found[-1].trials[0].key not in {r.incumbent.key for r in found}


def test_a_failed_candidate_is_passed_over() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06}, failing=frozenset({("large", 1)}))
    found = rounds(Greedy(HALVE, accuracy, Stopping(rounds=1)), networks)
    assert path(found)[-1] == ("small", {"small": 5, "large": 100})


def test_a_round_in_which_everything_fails_ends_the_search() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06}, failing=frozenset({("large", 2), ("small", 2)}))
    found = rounds(Greedy(HALVE, accuracy, Stopping()), networks)
    assert found[-1].stop == "every candidate of the round failed"
    assert path(found)[-1][1] == {"small": 10, "large": 50}


def test_a_refined_winner_takes_the_place_of_the_winner() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06}, refined=0.5)
    found = rounds(Greedy(HALVE, accuracy, Stopping(rounds=2), refines=True), networks)
    assert [r.incumbent.key for r in found] == ["base0", "refined3", "refined6"]
    refined = [candidate for candidate in networks.asked if candidate.phase == "refined"]
    assert [candidate.parent for candidate in refined] == ["candidate2", "candidate5"]
    assert networks.asked[3].parent == "refined3"


def test_a_refined_winner_that_got_worse_does_not() -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06}, refined=-0.5)
    found = rounds(Greedy(HALVE, accuracy, Stopping(rounds=1), refines=True), networks)
    assert found[-1].incumbent.key == "candidate2"
    assert [trial.key for trial in found[-1].trials] == ["candidate1", "candidate2", "refined3"]


@pytest.mark.parametrize("stops_after", [1, 2, 3])
def test_a_longer_search_begins_like_a_shorter_one(stops_after: int) -> None:
    networks = FakeNetworks({"small": 1.0, "large": 0.06})
    short = rounds(Greedy(HALVE, accuracy, Stopping(rounds=stops_after)), networks)
    long = rounds(Greedy(HALVE, accuracy, Stopping(rounds=5)), networks)
    assert path(long)[: len(short)] == path(short)
