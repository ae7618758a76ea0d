import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from sparsecnn.plots.axes import accuracy_floor, accuracy_limits, density_ticks, memory_ticks, set_log_ticks


def test_memory_ticks_are_powers_of_two_in_the_unit_of_the_middle() -> None:
    ticks = memory_ticks(28 * 1024, 569 * 1024)
    assert ticks.labels == ("32", "64", "128", "256", "512")
    assert ticks.unit == "KiB"
    assert ticks.positions[0] == 32 * 1024


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [(10, 100, "B"), (2**21, 2**27, "MiB"), (2**31, 2**33, "GiB"), (200 * 1024, 10 * 2**20, "MiB")],
)
def test_the_unit_follows_the_data(low: float, high: float, unit: str) -> None:
    assert memory_ticks(low, high).unit == unit


def test_one_memory_alone_still_has_ticks_around_it() -> None:
    assert memory_ticks(2**19, 2**19).labels == ("256", "384", "512", "768", "1024")


@given(st.floats(1, 2**40), st.floats(1, 2**20))
def test_memory_axes_hold_their_data_and_have_two_to_nine_ticks(low: float, factor: float) -> None:
    ticks = memory_ticks(low, low * factor)
    assert ticks.low < low <= low * factor < ticks.high
    assert 2 <= len(ticks.positions) <= 9
    assert all(ticks.low <= position <= ticks.high for position in ticks.positions)


def test_density_ticks_are_percent_and_end_at_a_hundred() -> None:
    assert density_ticks(0.01, 1.0).labels == ("1", "2", "5", "10", "20", "50", "100")
    assert density_ticks(0.0001, 1.0).labels == ("0.01", "0.1", "1", "10", "100")
    assert len(density_ticks(0.1, 0.1).labels) >= 2


def test_a_log_axis_has_only_the_given_ticks_and_names_their_unit() -> None:
    axes = Figure().subplots()
    set_log_ticks(axes, memory_ticks(1024, 4096), "memory")
    assert axes.get_xlabel() == "memory (KiB)"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "4"] or len(axes.get_xticks()) > 2
    assert len(axes.get_xticks(minor=True)) == 0


def floor(values: list[float], notable: list[bool] | None = None) -> float:
    return accuracy_floor(np.array(values), np.array(notable or [False] * len(values)))


def test_a_collapsed_candidate_does_not_set_the_axis() -> None:
    assert floor([80.0, 79.0, 78.0, 75.0, 10.0]) == 75.0


def test_missing_accuracies_are_ignored() -> None:
    assert floor([80.0, float("nan"), 79.0], [True, True, True]) == 79.0


def test_a_notable_tail_that_falls_little_by_little_is_kept() -> None:
    tail = [80.0, 80.0, 80.0, 80.0, 80.0, 79.0, 75.0, 70.0, 61.0]
    assert floor(tail) == 79.0
    assert floor(tail, [True] * len(tail)) == 61.0


def test_a_notable_candidate_below_a_wide_gap_is_left_out() -> None:
    assert floor([80.0, 79.5, 79.0, 78.0, 44.0], [True] * 5) == 78.0


def test_accuracy_axes_have_room_and_end_near_a_hundred() -> None:
    low, high = accuracy_limits(70.0, 80.0)
    assert low < 70 and 80 < high < 82
    assert accuracy_limits(10.0, 100.0)[1] < 102
    assert accuracy_limits(80.0, 80.0)[1] > 80
