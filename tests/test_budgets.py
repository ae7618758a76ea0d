"""Budgets: whole numbers that add up."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsecnn.budgets import Choice, clipped_shares, knapsack, rounded, tightened, total


def test_tightening_lowers_one_budget_and_leaves_the_original() -> None:
    budgets = {"a": 10, "b": 20}
    assert tightened(budgets, "b", 5) == {"a": 10, "b": 5}
    assert budgets == {"a": 10, "b": 20}
    assert total(budgets) == 30


@pytest.mark.parametrize("budget", [0, 20, 21])
def test_tightening_to_nothing_or_upwards_is_refused(budget: int) -> None:
    with pytest.raises(ValueError, match=r"the budget of b must be in \[1, 19\]"):
        tightened({"b": 20}, "b", budget)


sizes_and_shares = st.dictionaries(
    st.sampled_from("abcdefg"), st.tuples(st.integers(1, 1000), st.floats(0.01, 100.0)), min_size=1
)


@given(sizes_and_shares, st.floats(0.0, 1.0))
def test_shares_add_up_and_fit_every_layer(layers: dict[str, tuple[int, float]], position: float) -> None:
    sizes = {name: size for name, (size, _) in layers.items()}
    shares = {name: share for name, (_, share) in layers.items()}
    kept = len(sizes) + round(position * (sum(sizes.values()) - len(sizes)))
    budgets = clipped_shares(shares, sizes, kept)
    assert total(budgets) == kept
    assert all(1 <= budgets[name] <= sizes[name] for name in sizes)


def test_a_layer_that_is_full_hands_its_surplus_on() -> None:
    assert clipped_shares({"small": 1.0, "large": 1.0}, {"small": 10, "large": 100}, 60) == {"small": 10, "large": 50}


def test_more_than_all_weights_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match=r"kept weights must be in \[1, 10\], got 11"):
        clipped_shares({"a": 1.0}, {"a": 10}, 11)


def test_the_largest_remainder_is_rounded_up_first() -> None:
    assert rounded({"a": 2.6, "b": 2.3, "c": 1.1}, {"a": 9, "b": 9, "c": 9}, 6) == {"a": 3, "b": 2, "c": 1}


CHOICES = st.lists(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0, 10)), min_size=1, max_size=4), min_size=1, max_size=4
)


@given(CHOICES, st.floats(0, 1))
def test_a_knapsack_fits_and_no_other_choice_of_its_size_is_better(
    drawn: list[list[tuple[int, float]]], room: float
) -> None:
    choices = {
        str(layer): [Choice(budget, size, loss) for budget, (size, loss) in enumerate(options)]
        for layer, options in enumerate(drawn)
    }
    smallest = sum(min(choice.bytes for choice in options) for options in choices.values())
    largest = sum(max(choice.bytes for choice in options) for options in choices.values())
    limit = smallest + room * (largest - smallest)
    chosen = [choices[layer][budget] for layer, budget in knapsack(choices, limit).items()]
    taken, loss = sum(choice.bytes for choice in chosen), sum(choice.loss for choice in chosen)
    assert taken <= limit
    within = [combined for combined in product(*choices.values()) if sum(c.bytes for c in combined) <= taken]
    assert loss <= min(sum(choice.loss for choice in combined) for combined in within) + 1e-6


def test_a_knapsack_too_small_for_every_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="the layers take at least 7 bytes, which is above 6"):
        knapsack({"a": [Choice(1, 3, 0.0)], "b": [Choice(1, 4, 0.0), Choice(2, 8, 0.0)]}, 6.5)
