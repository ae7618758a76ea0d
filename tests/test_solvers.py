"""Solvers: learning rates, parameter groups, and Caffe's arithmetic."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from sparsecnn import solvers
from sparsecnn.errors import ConfigError
from sparsecnn.solvers import CaffeSGD, Solver


def solver(**changes: Any) -> Solver:
    values: dict[str, Any] = {
        "optimizer": torch.optim.SGD,
        "learning_rate": 0.1,
        "schedule": solvers.fixed,
        "batch_size": 10,
        "epochs": 2,
        **changes,
    }
    return Solver(**values)


def test_caffe_multiplies_the_rate_into_the_velocity() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = CaffeSGD([weight], lr=0.1, momentum=0.5, weight_decay=0.2)
    velocity, expected = 0.0, 1.0
    for rate in (0.1, 0.1, 0.01):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.tensor([3.0])
        optimizer.step()
        velocity = 0.5 * velocity + rate * (3.0 + 0.2 * expected)
        expected -= velocity
        assert weight.item() == pytest.approx(expected)


def test_caffe_and_torch_agree_at_a_constant_rate_and_differ_behind_a_drop() -> None:
    weights = [nn.Parameter(torch.tensor([1.0])) for _ in range(2)]
    optimizers = [CaffeSGD([weights[0]], 0.1, 0.9), torch.optim.SGD([weights[1]], 0.1, 0.9)]
    for step in range(6):
        for weight, optimizer in zip(weights, optimizers, strict=True):
            weight.grad = torch.tensor([1.0])
            optimizer.param_groups[0]["lr"] = 0.1 if step < 4 else 0.01
            optimizer.step()
        assert (weights[0].item() == pytest.approx(weights[1].item())) == (step < 4)


def test_weights_without_a_gradient_stay() -> None:
    weight = nn.Parameter(torch.ones(2))
    CaffeSGD([weight], lr=0.1).step()
    assert torch.equal(weight, torch.ones(2))


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (solvers.fixed, {0: 1.0, 99: 1.0}),
        (partial(solvers.stepwise, drops=[50, 80]), {0: 1.0, 49: 1.0, 50: 0.1, 80: 0.01}),
        (partial(solvers.inverse, gamma=1e-4, power=0.75), {0: 1.0, 99: (1 + 99e-4) ** -0.75}),
        (partial(solvers.one_cycle, warmup=0.25), {0: 0.01, 10: 0.4, 25: 1.0, 40: 0.8, 99: 1 / 75}),
        (partial(solvers.cosine, warmup=0.1), {0: 0.0, 5: 0.5, 10: 1.0, 55: 0.5}),
    ],
)
def test_schedules_give_the_factor_of_each_step(
    schedule: Callable[[float, int], float], factors: dict[int, float]
) -> None:
    for step, factor in factors.items():
        assert schedule(step / 100, step) == pytest.approx(factor)


def test_an_epoch_counts_its_short_last_batch() -> None:
    assert solver().steps_per_epoch(95) == 10
    assert solver().steps_for(95) == 20
    assert solver(epochs=0.25).steps_for(95) == 2
    assert solver(epochs=0.001).steps_for(95) == 1
    assert solver(steps=7).steps_for(95) == 7
    assert solver(steps=7).epochs_for(95) == 0.7


def test_biases_and_named_layers_take_their_own_factors() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    chosen = solver(
        weight_decay=0.5,
        bias_lr_factor=2.0,
        bias_decay_factor=0.0,
        layer_factors={"1": {"decay": 10.0, "bias_lr": 1.0}},
    )
    optimizer = chosen.build(model)
    rate = chosen.set_learning_rate_(optimizer, 0, 10)
    assert rate == 0.1
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {
        known[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert found == {"0.weight": (0.1, 0.5), "0.bias": (0.2, 0.0), "1.weight": (0.1, 5.0), "1.bias": (0.1, 0.0)}


def test_a_factor_for_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="layer_factors names no layer of the model: ip9"):
        solver(layer_factors={"ip9": {"lr": 2.0}}).build(nn.Linear(2, 2))


def test_an_optimizer_that_refuses_its_values_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match=r"solver\.optimizer: Invalid momentum value: -3"):
        solver(optimizer=partial(torch.optim.SGD, momentum=-3)).build(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.0}, "solver.learning_rate must be above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "solver.learning_rate must be above 0, got nan"),
        ({"batch_size": 0}, "solver.batch_size must be above 0, got 0"),
        ({"epochs": -1}, "solver.epochs must be above 0, got -1"),
        ({"steps": 0}, "solver.steps must be at least 1, got 0"),
        ({"label_smoothing": 1.0}, "solver.label_smoothing must be in [0, 1), got 1.0"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        solver(**changes)
    assert str(error.value) == message
