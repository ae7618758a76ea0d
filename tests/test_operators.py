"""Operators: proximal maps, checked against their definitions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sparsecnn import operators
from sparsecnn.operators import project_l0, project_rows_, shrink_l1

# Every operator with a level at which it does something; the contract below holds for all of them.
OPERATORS: list[tuple[Callable[[Tensor, float, float], Tensor], float]] = [(project_l0, 5), (shrink_l1, 0.7)]

few_values = st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=40)


def largest_first(weight: Tensor) -> list[int]:
    """Positions by magnitude, earlier positions first among equals: sorted() is stable."""
    flat = weight.flatten().abs().tolist()
    return sorted(range(len(flat)), key=lambda i: -flat[i])


@given(few_values, st.data())
def test_projection_keeps_exactly_the_largest_and_breaks_ties_by_position(
    values: list[float], data: st.DataObject
) -> None:
    weight = torch.tensor(values)
    budget = data.draw(st.integers(0, len(values)))
    kept = largest_first(weight)[:budget]
    expected = torch.zeros_like(weight)
    expected[kept] = weight[kept]
    assert torch.equal(project_l0(weight, budget), expected)


@given(st.lists(few_values, min_size=1, max_size=4), st.data())
def test_rows_are_projected_at_once_as_one_by_one(rows: list[list[float]], data: st.DataObject) -> None:
    size = min(len(row) for row in rows)
    weights = torch.tensor([row[:size] for row in rows])
    budgets = [data.draw(st.integers(0, size + 1)) for _ in rows]
    expected = torch.stack([project_l0(row, budget) for row, budget in zip(weights, budgets, strict=True)])
    project_rows_(weights, torch.tensor(budgets), max(budgets))
    assert torch.equal(weights, expected)


@pytest.mark.parametrize("budgets", [[7], [7, 24, 0, 1]])
@pytest.mark.parametrize("is_last", [False, True], ids=["rows", "channels last"])
def test_rows_of_every_memory_format_and_of_infinities_are_projected(budgets: list[int], is_last: bool) -> None:
    weights = torch.randint(-2, 3, (len(budgets), 2, 3, 2, 2), generator=torch.Generator().manual_seed(0)).float()
    weights[0, 1, 2] = float("inf")
    if is_last:
        weights = weights.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    expected = [project_l0(row, budget) for row, budget in zip(weights, budgets, strict=True)]
    project_rows_(weights, torch.tensor(budgets), max(budgets))
    assert torch.equal(weights, torch.stack(expected))
    assert weights[0].is_contiguous(memory_format=torch.channels_last) == is_last


@pytest.mark.parametrize("budget", [0, 3, 24])
def test_no_projection_asks_another_device_for_a_number(budget: int) -> None:
    # On "meta" there are none to be had.
    weight = torch.ones(2, 3, 2, 2, device="meta").contiguous(memory_format=torch.channels_last)
    projected = project_l0(weight, budget)
    assert projected.is_contiguous(memory_format=torch.channels_last)
    project_rows_(weight, torch.empty(2, dtype=torch.int64, device="meta"), budget)


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1.0), st.floats(0.0, 1.0))
def test_projection_of_a_large_layer_equals_a_full_sort(seed: int, density: float, zeros: float) -> None:
    random = np.random.default_rng(seed)
    values = random.standard_normal(3 * operators.SAMPLE_SIZE).astype(np.float32)
    values[random.random(len(values)) < zeros] = 0.0
    budget = max(1, int(density * len(values)))
    weight = torch.from_numpy(values)
    expected = torch.zeros_like(weight)
    kept = weight.abs().argsort(descending=True, stable=True)[:budget]
    expected[kept] = weight[kept]
    assert torch.equal(project_l0(weight, budget), expected)


def test_projection_is_exact_when_the_sample_misleads() -> None:
    # Every sampled position is large and every other one small, so the bracket lies wrong.
    weight = torch.full((4 * operators.SAMPLE_SIZE,), 1e-3)
    weight[::4] = 1.0
    weight[1::4] = torch.linspace(0.1, 0.2, operators.SAMPLE_SIZE)
    budget = operators.SAMPLE_SIZE + 100
    projected = project_l0(weight, budget)
    assert torch.count_nonzero(projected) == budget
    assert projected[1::4].nonzero().flatten().min() == operators.SAMPLE_SIZE - 100


@given(few_values, st.integers(0, 40))
def test_projection_changes_nothing_the_second_time(values: list[float], budget: int) -> None:
    once = project_l0(torch.tensor(values), budget)
    assert torch.equal(project_l0(once, budget), once)


def test_projection_is_the_nearest_tensor_of_all_with_that_many_nonzeros() -> None:
    weight = torch.tensor([3.0, -1.0, 2.0, -4.0])
    nearest = (weight - project_l0(weight, 2)).norm()
    for kept in ([0, 1], [0, 2], [1, 2], [1, 3], [2, 3]):
        other = torch.zeros(4)
        other[kept] = weight[kept]
        assert (weight - other).norm() > nearest


def test_ties_are_broken_in_logical_order_in_every_memory_format() -> None:
    weight = torch.ones(2, 3, 2, 2)
    rows = project_l0(weight, 7)
    columns = project_l0(weight.contiguous(memory_format=torch.channels_last), 7)
    assert torch.equal(rows, columns)
    assert rows.flatten().tolist() == [1.0] * 7 + [0.0] * 17
    assert columns.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_projection_keeps_exactly_the_budget_in_every_floating_type(dtype: torch.dtype) -> None:
    weight = torch.randn(50, 60, generator=torch.Generator().manual_seed(0)).to(dtype)
    projected = project_l0(weight, 777)
    assert projected.dtype == dtype
    assert torch.count_nonzero(projected) == 777
    assert projected.abs()[projected != 0].min() >= weight.abs()[projected == 0].max()


@pytest.mark.parametrize("budget", [-1, 2.5])
def test_a_budget_that_is_no_count_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="budget must be a whole number of at least 0"):
        project_l0(torch.ones(4), budget)


def test_shrinkage_is_soft_thresholding() -> None:
    weight = torch.tensor([-2.0, -0.3, 0.0, 0.2, 1.0])
    expected = torch.sign(weight) * torch.clamp(weight.abs() - 0.1 * 5.0, min=0.0)
    torch.testing.assert_close(shrink_l1(weight, 5.0, 0.1), expected)


def test_a_negative_strength_is_refused() -> None:
    with pytest.raises(ValueError, match="strength must be at least 0, got -1"):
        shrink_l1(torch.ones(2), -1, 0.1)


@pytest.mark.parametrize(("operator", "level"), OPERATORS)
def test_every_operator_leaves_its_argument_alone(operator: Callable[..., Tensor], level: float) -> None:
    weight = torch.linspace(-1, 1, 12).view(3, 4)
    before = weight.clone()
    result = operator(weight, level, 0.5)
    assert torch.equal(weight, before)
    assert result.shape == weight.shape
    assert not torch.equal(result, weight)


@pytest.mark.parametrize(("operator", "level"), OPERATORS)
def test_every_operator_only_moves_weights_towards_zero(operator: Callable[..., Tensor], level: float) -> None:
    weight = torch.randn(6, 7, generator=torch.Generator().manual_seed(1))
    result = operator(weight, level, 0.5)
    assert (result.abs() <= weight.abs()).all()
    assert ((result == 0) | (result.sign() == weight.sign())).all()


@pytest.mark.parametrize(("operator", "level"), OPERATORS)
def test_every_operator_is_odd(operator: Callable[..., Tensor], level: float) -> None:
    weight = torch.randn(6, 7, generator=torch.Generator().manual_seed(2))
    assert torch.equal(operator(-weight, level, 0.5), -operator(weight, level, 0.5))
