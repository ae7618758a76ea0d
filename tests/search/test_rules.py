"""Tightening, selection and stopping, each by itself."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import SIZES, FakeNetworks
from hypothesis import given
from hypothesis import strategies as st

from sparsecnn.errors import ConfigError
from sparsecnn.search import (
    ByBytes,
    ByFactor,
    Selection,
    Stopping,
    Trial,
    accuracy,
    accuracy_per_byte,
    least_loss,
)

START = FakeNetworks({}).start()
RULES = [accuracy, accuracy_per_byte, least_loss]


def bytes_of(trial: Trial, layer: str, budget: int) -> int:
    return 4 * budget


def trial(val_accuracy: float, val_loss: float, memory_bytes: float) -> Trial:
    return replace(
        START, key=f"{val_accuracy}", val_accuracy=val_accuracy, val_loss=val_loss, memory_bytes=memory_bytes
    )


def test_a_factor_is_rounded_down_and_stops_at_the_floor() -> None:
    assert ByFactor(0.75)(START, bytes_of) == {"small": 7, "large": 75}
    assert ByFactor(0.1, floor=10)(START, bytes_of) == {"large": 10}
    assert ByFactor(0.1, floor=100)(START, bytes_of) == {}


def test_equal_bytes_are_saved_in_layers_of_all_sizes() -> None:
    # 5 % of 440 bytes are 22, which 6 weights hold.
    assert ByBytes(share=0.05)(START, bytes_of) == {"small": 4, "large": 94}


def test_a_layer_too_small_to_save_the_step_sits_the_round_out() -> None:
    assert ByBytes(share=0.2)(START, bytes_of) == {"large": 78}


def test_the_step_is_halved_until_some_layer_can_save_it() -> None:
    # 96 % of the memory is more than any layer may lose (at most 90 % each); half of that is not.
    assert ByBytes(share=0.96)(START, bytes_of) == {"large": 47}


def test_values_of_a_bit_may_lose_as_many_bytes_as_other_layers() -> None:
    def bytes_of_bits(trial: Trial, layer: str, budget: int) -> int:
        return min(100, 5 * budget) if layer == "large" else 4 * budget

    # With half of its weights the large layer takes what it takes with all. A tenth takes half of the bytes.
    assert ByBytes(share=0.2, most=0.5)(START, bytes_of_bits) == {"large": 11}
    assert ByBytes(share=0.04, most=0.5)(START, bytes_of_bits) == {"small": 5, "large": 16}


def test_nothing_is_tightened_when_every_layer_is_at_the_floor() -> None:
    assert ByBytes(floor=100)(START, bytes_of) == {}


@given(st.floats(0.001, 0.9), st.floats(0.01, 0.99), st.integers(1, 30))
def test_a_step_in_bytes_saves_what_it_promises_with_the_most_weights(share: float, most: float, floor: int) -> None:
    for layer, budget in ByBytes(share, most, floor)(START, bytes_of).items():
        assert floor <= budget < SIZES[layer]
        assert budget >= most * SIZES[layer]
        assert 4 * (SIZES[layer] - budget) >= share / 64 * START.memory_bytes


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ByFactor(1.0), "tighten.factor must be in (0, 1), got 1.0"),
        (lambda: ByFactor(0.5, floor=0), "tighten.floor must be at least 1, got 0"),
        (lambda: ByBytes(share=0.0), "tighten.share must be in (0, 1), got 0.0"),
        (lambda: ByBytes(most=1.0), "tighten.most must be in (0, 1), got 1.0"),
        (lambda: ByBytes(floor=-1), "tighten.floor must be at least 1, got -1"),
        (lambda: Stopping(target_bytes=0), "search.target_memory must be above 0, got 0"),
        (lambda: Stopping(rounds=0), "search.rounds must be at least 1, got 0"),
        (lambda: Stopping(accuracy_floor=101), "search.accuracy_floor must be in [0, 100] percent, got 101"),
    ],
)
def test_values_out_of_range_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        build()
    assert str(error.value) == message


def test_each_rule_has_its_own_winner() -> None:
    incumbent = trial(90.0, 0.5, 1000)
    accurate, cheap, sure = trial(89.9, 0.60, 990), trial(89.0, 0.61, 500), trial(88.0, 0.40, 980)
    trials = [accurate, cheap, sure]
    assert accuracy(trials, incumbent) is accurate
    assert accuracy_per_byte(trials, incumbent) is cheap
    assert least_loss(trials, incumbent) is sure


def test_at_no_loss_the_most_bytes_saved_win_by_the_byte() -> None:
    incumbent = trial(90.0, 0.5, 1000)
    trials = [trial(91.0, 0.5, 900), trial(90.5, 0.5, 500)]
    assert accuracy_per_byte(trials, incumbent) is trials[1]


def test_a_candidate_that_saves_nothing_never_wins_by_the_byte() -> None:
    incumbent = trial(90.0, 0.5, 1000)
    trials = [trial(95.0, 0.1, 1000), trial(50.0, 2.0, 999)]
    assert accuracy_per_byte(trials, incumbent) is trials[1]


@pytest.mark.parametrize("rule", RULES)
def test_equal_candidates_are_told_apart_by_network_order(rule: Selection) -> None:
    twins = [trial(80.0, 0.5, 900), trial(80.0, 0.5, 900)]
    assert rule(twins, trial(90.0, 0.4, 1000)) is twins[0]


@pytest.mark.parametrize("rule", RULES)
def test_equal_accuracy_and_loss_leave_the_choice_to_memory(rule: Selection) -> None:
    trials = [trial(80.0, 0.5, 900), trial(80.0, 0.5, 800)]
    assert rule(trials, trial(90.0, 0.4, 1000)) is trials[1]
