"""ODE blocks: order, gradients to the bit, what is kept, statistics."""

import copy
from functools import cache, partial

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from sparsecnn.errors import ConfigError
from sparsecnn.layers import FullConv2d, Ode
from sparsecnn.layers.ode import METHODS, ODEBlock, split


class Field(nn.Module):
    """A small residual field; counts how often it is evaluated."""

    def __init__(self, channels: int = 4, *, normalises: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels) if normalises else nn.Identity()
        self.calls = 0

    def forward(self, state: Tensor) -> Tensor:
        self.calls += 1
        result: Tensor = torch.relu(self.norm(self.conv(state)))
        return result


def block(keep: str | int, method: str = "euler", steps: int = 5, *, normalises: bool = True) -> ODEBlock:
    torch.manual_seed(0)
    return ODEBlock(Field(normalises=normalises), steps, method, keep)  # type: ignore[arg-type]


def gradients(block: ODEBlock) -> list[Tensor]:
    state = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()
    block(state).square().sum().backward()
    return [tensor.grad for tensor in (state, *block.parameters()) if tensor.grad is not None]


@pytest.mark.parametrize("normalises", [True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("keep", ["input", 0, 1, 2, 5])
def test_gradients_equal_those_of_plain_backpropagation_to_the_bit(
    keep: str | int, method: str, normalises: bool
) -> None:
    expected = gradients(block("all", method, normalises=normalises))
    found = gradients(block(keep, method, normalises=normalises))
    assert len(found) == len(expected) == (4 if normalises else 2)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("keep", ["input", 0, 2])
def test_running_statistics_are_updated_once_an_evaluation(keep: str | int) -> None:
    plain, frugal = block("all", "rk4"), block(keep, "rk4")
    for each in (plain, frugal):
        gradients(each)
        gradients(each)
    assert int(frugal.field.norm.num_batches_tracked) == 2 * 5 * 4  # type: ignore[union-attr, arg-type]
    for one, other in zip(frugal.buffers(), plain.buffers(), strict=True):
        assert torch.equal(one, other)
    assert frugal.field.norm.momentum == 0.1  # type: ignore[union-attr]


def made(keep: str | int = "all", method: str = "rk2", norms: str = "each", **norm: object) -> ODEBlock:
    """Three steps of a network's block."""
    torch.manual_seed(0)
    make = Ode(FullConv2d, partial(nn.BatchNorm2d, **norm), 3, method, keep, norms)  # type: ignore[arg-type]
    return make(4)


@pytest.mark.parametrize("norms", ["each", "shared"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("keep", ["input", 0, 1, 2])
def test_each_evaluation_meets_its_own_norms_whatever_is_kept(keep: str | int, method: str, norms: str) -> None:
    plain, frugal = made("all", method, norms), made(keep, method, norms)
    found, expected = gradients(frugal), gradients(plain)
    evaluations = 3 * {"euler": 1, "rk2": 2, "rk4": 4}[method]
    assert len(found) == len(expected) == 3 + 4 * (evaluations if norms == "each" else 1)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    for one, other in zip(frugal.buffers(), plain.buffers(), strict=True):
        assert torch.equal(one, other)
    batches = [int(norm.num_batches_tracked) for norm in frugal.modules() if isinstance(norm, nn.BatchNorm2d)]
    assert batches == [1] * 2 * evaluations if norms == "each" else [evaluations] * 2


def test_an_evaluated_block_is_the_trained_one_if_each_evaluation_has_its_norms() -> None:
    """Running statistics are those of the last batch here, which is then evaluated."""
    images = torch.randn(16, 4, 16, 16, generator=torch.Generator().manual_seed(1)) + 1.0
    errors = {}
    for norms in ("each", "shared"):
        block = made(norms=norms, momentum=1.0).requires_grad_(requires_grad=False)
        trained = block(images)
        errors[norms] = float((block.eval()(images) - trained).norm() / trained.norm())
    assert errors["each"] < 1e-3 < 0.05 < errors["shared"]


def kept_bytes(blocks: nn.Module) -> int:
    """Between the forward and the backward pass, parameters left out."""
    own = {parameter.data_ptr() for parameter in blocks.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:
            seen[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        kept = blocks(torch.randn(2, 4, 8, 8, requires_grad=True))
    assert kept.requires_grad
    return sum(seen.values())


def test_kept_activations_grow_with_the_steps_in_plain_backpropagation_and_not_with_checkpoints() -> None:
    plain = [kept_bytes(block("all", steps=steps)) for steps in (1, 4, 16)]
    assert plain[2] > 3.5 * plain[1] > 12 * plain[0] * 0.9
    frugal = [kept_bytes(block("input", steps=steps)) for steps in (1, 4, 16)]
    assert frugal[0] == frugal[1] == frugal[2] == 2 * 4 * 8 * 8 * 4
    blocks = nn.Sequential(*(block("input", steps=16) for _ in range(4)))
    assert kept_bytes(blocks) == 4 * frugal[0]


@cache
def recomputed(steps: int, states: int, *, is_first: bool = False) -> int:
    """The fewest evaluations to go back `steps` steps, with room for `states` states, that before them among these.

    Each step is evaluated once to be recorded. `is_first`: the forward pass has made the way to the kept states.
    """
    if states == 1 or steps == 1:
        return steps * (steps + 1) // 2
    return min(
        first * (not is_first) + recomputed(steps - first, states - 1, is_first=is_first) + recomputed(first, states)
        for first in range(1, steps)
    )


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 10, 16, 20, 32])
@pytest.mark.parametrize("slots", [0, 1, 2, 3, 5])
def test_steps_are_computed_as_often_as_the_best_schedule_with_as_much_room_has_it(steps: int, slots: int) -> None:
    torch.manual_seed(0)
    frugal = ODEBlock(Field(), steps, "euler", slots)
    gradients(frugal)
    field: Field = frugal.field  # type: ignore[assignment]
    assert field.calls == steps + recomputed(steps, slots + 1, is_first=True)


@pytest.mark.parametrize("steps", [2, 8, 32])
@pytest.mark.parametrize("slots", [0, 1, 3])
def test_no_more_states_are_kept_than_were_asked_for(steps: int, slots: int) -> None:
    one = 2 * 4 * 8 * 8 * 4
    assert kept_bytes(ODEBlock(Field(), steps, "euler", slots)) <= (1 + slots) * one


def test_a_backward_pass_may_follow_another() -> None:
    frugal = block("input", steps=3)
    state = torch.randn(2, 4, 8, 8, requires_grad=True)
    total = frugal(state).sum()
    first = torch.autograd.grad(total, state, retain_graph=True)
    assert torch.equal(torch.autograd.grad(total, state)[0], first[0])


@pytest.mark.parametrize("is_first", [False, True])
def test_no_split_is_better(is_first: bool) -> None:
    @cache
    def by_splits(steps: int, states: int, is_first: bool) -> int:
        if states == 1 or steps == 1:
            return steps * (steps + 1) // 2
        first = split(steps, states)
        return first * (not is_first) + by_splits(steps - first, states - 1, is_first) + by_splits(first, states, False)

    for states in range(2, 10):
        for steps in range(2, 60):
            assert by_splits(steps, states, is_first) == recomputed(steps, states, is_first=is_first)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
def test_the_error_falls_with_the_order_of_the_method(method: str, order: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(3, 3, dtype=torch.double)
    state = torch.randn(5, 3, dtype=torch.double)

    class Smooth(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.tanh(z @ weight)

    reference = ODEBlock(Smooth(), 2000, "rk4", "all")(state)
    errors = [float((ODEBlock(Smooth(), steps, method, "all")(state) - reference).abs().max()) for steps in (16, 32)]  # type: ignore[arg-type]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)


def test_one_euler_step_is_a_plain_residual_block() -> None:
    single, state = block("input", steps=1), torch.randn(2, 4, 6, 6)
    assert torch.equal(copy.deepcopy(single)(state), state + single.field(state))


def test_going_back_in_time_does_not_give_the_input_back() -> None:
    torch.manual_seed(0)
    weight = 6.0 * torch.randn(4, 4, 3, 3, dtype=torch.double) / 6.0
    state = torch.randn(2, 4, 6, 6, dtype=torch.double)

    def field(z: Tensor) -> Tensor:
        return torch.relu(nn.functional.conv2d(z, weight, padding=1))

    errors = []
    for steps in (1, 5, 20):
        there = state
        for _ in range(steps):
            there = METHODS["euler"](field, there, 1 / steps)
        for _ in range(steps):
            there = METHODS["euler"](field, there, -1 / steps)
        errors.append(float((there - state).norm() / state.norm()))
    assert errors[0] > errors[1] > errors[2] > 1e-3


@pytest.mark.parametrize(
    ("options", "said"),
    [({"method": "heun"}, "a method is one of"), ({"steps": 0}, "steps must be"), ({"keep": -1}, "keep must be")],
)
def test_other_values_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ODEBlock(nn.Identity(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"norms": "own"}, "norms are each or"), ({"method": "heun"}, "a method is one of"), ({"time_steps": 0}, "steps")],
)
def test_blocks_that_cannot_be_made_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Ode(FullConv2d, **options)(4)  # type: ignore[arg-type]
