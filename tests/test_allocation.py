"""Allocations: one contract, and the formula of each."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sparsecnn import allocation
from sparsecnn.budgets import Budgets
from sparsecnn.errors import ConfigError

BY_DENSITY = [allocation.uniform, allocation.erdos_renyi_kernel, allocation.global_magnitude, allocation.lamp]


def weights(seed: int = 0) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {
        "conv": torch.randn(8, 3, 5, 5, generator=random),
        "wide": 0.5 * torch.randn(64, 72, generator=random),
        "last": torch.randn(10, 64, generator=random),
    }


def sizes(layers: dict[str, Tensor]) -> dict[str, int]:
    return {name: weight.numel() for name, weight in layers.items()}


def told(rule: Callable[..., Budgets], layers: dict[str, Tensor], **options: Any) -> Budgets:
    """The budgets of layers that have all their weights."""
    return rule(layers, sizes(layers), **options)


@pytest.mark.parametrize("rule", BY_DENSITY)
@given(density=st.floats(0.001, 1.0), seed=st.integers(0, 100))
def test_every_allocation_keeps_the_density_asked_for(rule: Callable[..., Budgets], density: float, seed: int) -> None:
    layers = weights(seed)
    check_density(told(rule, layers, density=density), sizes(layers), density)


@pytest.mark.parametrize("rule", BY_DENSITY)
@given(density=st.floats(0.001, 1.0), seed=st.integers(0, 100))
def test_a_density_is_that_of_the_weights_that_exist(rule: Callable[..., Budgets], density: float, seed: int) -> None:
    layers = weights(seed)
    layers["conv"][:, :, ::2] = 0  # a support that is chosen before training
    layers["last"][:] = 0  # as offsets begin
    exist = {**sizes(layers), "conv": 8 * 3 * 2 * 5}
    check_density(rule(layers, exist, density=density), exist, density)


def check_density(budgets: Budgets, exist: dict[str, int], density: float) -> None:
    assert list(budgets) == list(exist)
    assert sum(budgets.values()) == max(len(exist), int(density * sum(exist.values()) + 0.5))
    assert all(1 <= budgets[name] <= exist[name] for name in exist)


@pytest.mark.parametrize("rule", BY_DENSITY)
@pytest.mark.parametrize("density", [0.0, -0.1, 1.01, float("nan")])
def test_a_density_out_of_range_is_refused(rule: Callable[..., Budgets], density: float) -> None:
    with pytest.raises(ConfigError, match=r"allocation.density must be in \(0, 1\], got"):
        told(rule, weights(), density=density)


def test_dense_keeps_everything() -> None:
    assert told(allocation.dense, weights()) == {"conv": 600, "wide": 4608, "last": 640}


def test_uniform_gives_every_layer_the_same_density() -> None:
    assert told(allocation.uniform, weights(), density=0.25) == {"conv": 150, "wide": 1152, "last": 160}


def test_erdos_renyi_kernel_densities_go_with_the_sum_of_sides_over_the_weights() -> None:
    budgets = told(allocation.erdos_renyi_kernel, weights(), density=0.03)
    sides = {"conv": 8 + 3 + 5 + 5, "wide": 64 + 72, "last": 10 + 64}
    kept = sum(budgets.values())
    for name, side in sides.items():
        assert budgets[name] == pytest.approx(kept * side / sum(sides.values()), abs=1)


def test_global_magnitude_keeps_the_largest_of_the_whole_network() -> None:
    layers = weights()
    budgets = told(allocation.global_magnitude, layers, density=0.1)
    flat = torch.cat([weight.abs().flatten() for weight in layers.values()])
    threshold = flat.sort(descending=True).values[sum(budgets.values()) - 1]
    assert budgets == {name: int((weight.abs() >= threshold).sum()) for name, weight in layers.items()}


def test_lamp_scores_are_squares_over_the_squares_not_below() -> None:
    layers = {"a": torch.tensor([[3.0, 1.0]]), "b": torch.tensor([[2.0, 2.5]])}
    # Scores: a 9/9, 1/10; b 4/10.25, 6.25/6.25. The two largest are the best of either layer, b's other is third.
    assert told(allocation.lamp, layers, density=0.5) == {"a": 1, "b": 1}
    assert told(allocation.lamp, layers, density=0.75) == {"a": 1, "b": 2}


def test_lamp_copes_with_layers_of_zeros() -> None:
    budgets = told(allocation.lamp, {"zeros": torch.zeros(4, 4), "ones": torch.ones(4, 4)}, density=0.5)
    assert sum(budgets.values()) == 16


def test_explicit_budgets_leave_other_layers_dense() -> None:
    by_hand = functools.partial(allocation.explicit, budgets={"wide": 100})
    assert told(by_hand, weights()) == {"conv": 600, "wide": 100, "last": 640}


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ({"wid": 1}, "allocation.budgets names no prunable layer: wid (there are conv, wide, last)"),
        ({"wide": 0}, "the budget of wide must be in [1, 4608], got 0"),
        ({"wide": 4609}, "the budget of wide must be in [1, 4608], got 4609"),
    ],
)
def test_explicit_budgets_must_fit_the_network(budgets: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        told(allocation.explicit, weights(), budgets=budgets)
    assert str(error.value) == message
