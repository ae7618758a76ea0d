"""The exchange gives what the projection gives, whatever the weights do between two projections."""

import pickle
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from sparsecnn import project_l0
from sparsecnn.native import COMPILER_VARIABLE, library
from sparsecnn.regularizers import Support, exchange

SHAPES = [(40,), (1, 1), (30, 70), (16, 8, 3, 3), (5, 7, 5, 1), (12, 1, 1, 1)]
Move = Callable[[Tensor, torch.Generator], Tensor]


@pytest.fixture(params=["C", "NumPy"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways to compute it."""
    if request.param == "NumPy":
        monkeypatch.setenv(COMPILER_VARIABLE, "")
    library.cache_clear()
    exchange.compiled.cache_clear()
    assert (exchange.compiled() is not None) == (request.param == "C")
    yield
    library.cache_clear()
    exchange.compiled.cache_clear()


def still(weight: Tensor, generator: torch.Generator) -> Tensor:
    return weight.clone()


def creep(weight: Tensor, generator: torch.Generator) -> Tensor:
    return weight + 0.02 * torch.randn(weight.shape, generator=generator)


def jump(weight: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(weight.shape, generator=generator)


def tie(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Few magnitudes, both signs, many zeros."""
    return torch.randint(-3, 4, weight.shape, generator=generator) / 4.0


def vanish(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Fewer nonzeros than any budget."""
    return torch.where(torch.rand(weight.shape, generator=generator) < 0.02, weight, 0.0)


def swap(weight: Tensor, generator: torch.Generator) -> Tensor:
    """One kept weight becomes small, everything else stays."""
    moved = weight.flatten().clone()
    moved[moved.abs().argmax()] = 1e-30
    return moved.view(weight.shape)


def grow(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Very large and very small numbers, and infinities."""
    return weight * 10.0 ** torch.randint(-38, 39, weight.shape, generator=generator)


MOVES: list[Move] = [still, creep, jump, tie, vanish, swap, grow]


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.97, 1.0])
def test_it_equals_the_projection_after_every_move(shape: tuple[int, ...], share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    for is_last in (False, True) if len(shape) == 4 else (False,):
        weight = torch.randn(shape, generator=generator)
        weight = weight.contiguous(memory_format=torch.channels_last) if is_last else weight
        budget = round(share * weight.numel())
        support = Support(budget)
        for number in [*range(len(MOVES)), *torch.randint(len(MOVES), (60,), generator=generator).tolist()]:
            moved = MOVES[number](weight, generator)
            expected = project_l0(moved, budget)
            weight.copy_(moved)
            support.project_(weight)
            assert torch.equal(weight, expected), MOVES[number].__name__
            assert int(weight.count_nonzero()) <= budget


@pytest.mark.usefixtures("kernels")
def test_many_weights_may_change_places_at_once() -> None:
    generator = torch.Generator().manual_seed(1)
    weight, support = torch.randn(300, 300, generator=generator), Support(20_000)
    for noise in (0.0, 0.5, 0.001, 3.0):
        moved = weight + noise * torch.randn(weight.shape, generator=generator)
        weight.copy_(moved)
        support.project_(weight)
        assert torch.equal(weight, project_l0(moved, 20_000))


@pytest.mark.usefixtures("kernels")
def test_a_weight_that_lies_otherwise_than_before_is_projected_all_the_same() -> None:
    weight = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(2))
    support = Support(50)
    pair = torch.randn(8, 2, 4, 3, 3, generator=torch.Generator().manual_seed(3))
    for other in (weight.clone(), weight.contiguous(memory_format=torch.channels_last), pair[:, 0], weight.double()):
        expected = project_l0(other, 50)
        beside = pair[:, 1].clone()
        support.project_(other)
        assert torch.equal(other, expected)
        assert torch.equal(pair[:, 1], beside)


def test_a_copy_of_a_support_begins_anew() -> None:
    weight = torch.tensor([3.0, 1.0, 2.0])
    support = Support(2)
    support.project_(weight)
    copied = pickle.loads(pickle.dumps(support))
    assert (copied.budget, copied.memory) == (2, None)
    other = torch.tensor([1.0, 5.0, 4.0])
    copied.project_(other)
    assert other.tolist() == [0.0, 5.0, 4.0]
