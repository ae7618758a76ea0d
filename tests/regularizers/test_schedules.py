"""Regularizers: when an operator acts."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from sparsecnn import regularizers
from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError
from sparsecnn.regularizers import Regularizer

BUDGETS = {"a": 2}
STEPS = 6


def shrink(budgets: Budgets) -> Regularizer:
    return regularizers.l1_shrinkage(budgets, strength=0.1)


def projected_late(budgets: Budgets) -> Regularizer:
    return regularizers.late(budgets, regularizer=regularizers.l0_projection, after=0.5)


BOUND = [
    projected_late,
    regularizers.l0_projection,
    regularizers.threshold_once,
    regularizers.threshold_fixed_mask,
    regularizers.fixed_support,
]
ALL = [*BOUND, shrink, regularizers.none]


def nonzeros_each_step(regularizer: Regularizer) -> list[int]:
    """Nonzeros of a layer of 5 behind begin_, each step that sets all weights anew, and settle_."""
    weights = {"a": torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])}
    counts = []
    regularizer.begin_(weights, step=0, steps=STEPS)
    counts.append(int(weights["a"].count_nonzero()))
    for step in range(1, STEPS + 1):
        weights["a"].add_(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]) * step)
        regularizer.apply_(weights, step=step, steps=STEPS, lr=0.1)
        counts.append(int(weights["a"].count_nonzero()))
    regularizer.settle_(weights)
    counts.append(int(weights["a"].count_nonzero()))
    return counts


@pytest.mark.parametrize(
    ("regularizer", "counts"),
    [
        (regularizers.l0_projection(BUDGETS), [2, 2, 2, 2, 2, 2, 2, 2]),
        (regularizers.l0_projection(BUDGETS, every=4), [2, 5, 5, 5, 2, 5, 5, 2]),
        (regularizers.threshold_once(BUDGETS), [5, 5, 5, 5, 5, 5, 5, 2]),
        (regularizers.threshold_fixed_mask(BUDGETS), [2, 2, 2, 2, 2, 2, 2, 2]),
        (regularizers.threshold_fixed_mask(BUDGETS, after=0.5), [5, 5, 5, 2, 2, 2, 2, 2]),
        (regularizers.fixed_support(BUDGETS, projected=0.5), [2, 2, 2, 2, 2, 2, 2, 2]),
        (projected_late(BUDGETS), [5, 5, 5, 2, 2, 2, 2, 2]),
        (regularizers.none(BUDGETS), [5, 5, 5, 5, 5, 5, 5, 5]),
    ],
)
def test_each_regularizer_acts_at_its_own_time(regularizer: Regularizer, counts: list[int]) -> None:
    assert nonzeros_each_step(regularizer) == counts


def test_a_support_is_final_only_behind_the_share_that_is_projected() -> None:
    weights = {"a": torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])}
    regularizer = regularizers.fixed_support({"a": 2}, projected=0.5)
    regularizer.begin_(weights, step=0, steps=4)
    assert not regularizer.support
    weights["a"].add_(torch.tensor([0.0, 0.0, 0.0, 9.0, 0.0]))  # comes back while it is projected
    regularizer.apply_(weights, step=1, steps=4, lr=0.1)
    assert not regularizer.support
    regularizer.apply_(weights, step=2, steps=4, lr=0.1)
    assert regularizer.support["a"].tolist() == [1.0, 0.0, 0.0, 1.0, 0.0]
    weights["a"].add_(torch.tensor([0.0, 0.0, 99.0, 0.0, 0.0]))  # and not any more
    regularizer.apply_(weights, step=3, steps=4, lr=0.1)
    assert weights["a"].tolist() == [5.0, 0.0, 0.0, 9.0, 0.0]


def test_projection_lets_a_weight_come_back_and_a_fixed_mask_does_not() -> None:
    for build, survivor in ((regularizers.l0_projection, 2), (regularizers.threshold_fixed_mask, 0)):
        weights = {"a": torch.tensor([2.0, 1.0, 0.0])}
        regularizer = build({"a": 1})
        regularizer.begin_(weights, step=0, steps=2)
        weights["a"].copy_(torch.tensor([2.0, 1.0, 3.0]))
        regularizer.apply_(weights, step=1, steps=2, lr=0.1)
        assert weights["a"].nonzero().flatten().tolist() == [survivor]


def test_settling_in_mid_training_does_not_end_a_free_training() -> None:
    weights = {"a": torch.ones(5)}
    regularizer = regularizers.threshold_once(BUDGETS)
    regularizer.begin_(weights, step=0, steps=2)
    regularizer.apply_(weights, step=1, steps=2, lr=0.1)
    regularizer.settle_(weights)
    assert weights["a"].count_nonzero() == 5


@pytest.mark.parametrize("after", [0.0, 0.5])
def test_a_fixed_mask_survives_a_stop_behind_its_thresholding(after: float) -> None:
    weights = {"a": torch.tensor([3.0, 2.0, 0.0, 0.0, 0.0])}  # as the stopped training left them
    regularizer = regularizers.threshold_fixed_mask(BUDGETS, after=after)
    regularizer.begin_(weights, step=3, steps=STEPS)
    weights["a"].add_(torch.tensor([0.0, 0.0, 0.0, 0.0, 9.0]))
    regularizer.apply_(weights, step=4, steps=STEPS, lr=0.1)
    assert weights["a"].tolist() == [3.0, 2.0, 0.0, 0.0, 0.0]


def test_a_late_projection_goes_on_behind_a_stop_as_the_projection_does() -> None:
    weights = {"a": torch.tensor([3.0, 2.0, 0.0, 0.0, 0.0])}  # as the stopped training left them
    regularizer = projected_late(BUDGETS)
    regularizer.begin_(weights, step=3, steps=STEPS)
    weights["a"].add_(torch.tensor([0.0, 0.0, 0.0, 0.0, 9.0]))
    regularizer.apply_(weights, step=4, steps=STEPS, lr=0.1)
    assert weights["a"].tolist() == [3.0, 0.0, 0.0, 0.0, 9.0]


def test_a_free_start_ends_no_support_before_its_time() -> None:
    regularizer = regularizers.late({"a": 2}, regularizer=partial(regularizers.fixed_support, projected=0.0), after=0.5)
    weights = {"a": torch.tensor([5.0, 4.0, 3.0])}
    for _ in range(2):
        regularizer.begin_(weights, step=0, steps=2)
        regularizer.settle_(weights)
        assert dict(regularizer.support) == {}
        regularizer.apply_(weights, step=1, steps=2, lr=0.1)
        assert regularizer.support["a"].tolist() == [1.0, 1.0, 0.0]


def test_shrinkage_scales_with_the_learning_rate_and_the_steps_between() -> None:
    for every, expected in ((1, 1.0 - 4 * 0.5 * 0.1), (2, 1.0 - 2 * 2 * 0.5 * 0.1), (3, 1.0 - 1 * 3 * 0.5 * 0.1)):
        weights = {"a": torch.ones(1)}
        regularizer = regularizers.l1_shrinkage({"a": 1}, strength=0.5, every=every)
        regularizer.begin_(weights, step=0, steps=4)
        for step in range(1, 5):
            regularizer.apply_(weights, step=step, steps=4, lr=0.1)
        regularizer.settle_(weights)
        assert weights["a"].item() == pytest.approx(expected)


@pytest.mark.parametrize("build", ALL)
def test_every_regularizer_can_serve_a_second_training(build: Callable[[Budgets], Regularizer]) -> None:
    regularizer = build(BUDGETS)
    assert nonzeros_each_step(regularizer) == nonzeros_each_step(regularizer)


@pytest.mark.parametrize("build", BOUND)
def test_a_settled_network_is_within_its_budgets(build: Callable[[Budgets], Regularizer]) -> None:
    assert nonzeros_each_step(build(BUDGETS))[-1] == 2


@pytest.mark.parametrize("build", ALL)
def test_layers_without_a_level_are_left_alone(build: Callable[[Budgets], Regularizer]) -> None:
    weights: dict[str, Tensor] = {"a": torch.ones(5), "b": torch.ones(5)}
    regularizer = build(BUDGETS)
    regularizer.begin_(weights, step=0, steps=1)
    regularizer.apply_(weights, step=1, steps=1, lr=0.1)
    regularizer.settle_(weights)
    assert torch.equal(weights["b"], torch.ones(5))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: regularizers.l0_projection(BUDGETS, every=0), "regularizer.every must be at least 1, got 0"),
        (lambda: regularizers.l1_shrinkage(BUDGETS, strength=0.0), "regularizer.strength must be above 0, got 0.0"),
        (
            lambda: regularizers.fixed_support(BUDGETS, projected=-0.1),
            "regularizer.projected must be in [0, 1), got -0.1",
        ),
        (
            lambda: regularizers.threshold_fixed_mask(BUDGETS, after=1.0),
            "regularizer.after must be in [0, 1), got 1.0",
        ),
        (
            lambda: regularizers.late(BUDGETS, regularizer=regularizers.none, after=-0.5),
            "regularizer.after must be in [0, 1), got -0.5",
        ),
    ],
)
def test_values_out_of_range_are_refused(build: Callable[[], Regularizer], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        build()
    assert str(error.value) == message
