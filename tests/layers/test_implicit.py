"""The implicit step: its equation, its field of view, its boundary."""

from typing import Literal

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers.implicit import ImexStep, implicit_solve, without_mean

SIZES = [(7, 9), (8, 8), (16, 5), (6, 6), (2, 5), (1, 4)]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def circular(images: Tensor, stencils: Tensor, *, transposed: bool = False) -> Tensor:
    """The convolution of every channel by its definition, sides taken as circles."""
    total = torch.zeros_like(images)
    for row in range(3):
        for column in range(3):
            down, right = (row - 1, column - 1) if not transposed else (1 - row, 1 - column)
            moved = images.roll((-down, -right), dims=(-2, -1))
            total += stencils[:, row, column][:, None, None] * moved
    return total


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("h", [1e-3, 1.0, 1e3])
def test_it_solves_the_equation_of_the_step(size: tuple[int, int], h: float) -> None:
    images, stencils = noise(2, 3, *size), noise(3, 3, 3, seed=1)
    solved = implicit_solve(images, stencils, h)
    back = solved + h * circular(circular(solved, stencils), stencils, transposed=True)
    assert (back - images).abs().max() < 1e-11 * max(1.0, h)


def test_it_equals_the_solution_of_the_linear_system() -> None:
    stencil = noise(1, 3, 3)
    basis = torch.eye(36, dtype=torch.double).view(36, 1, 6, 6)
    matrix = circular(basis, stencil).view(36, 36).T
    images = noise(1, 1, 6, 6, seed=2)
    expected = torch.linalg.solve(torch.eye(36, dtype=torch.double) + matrix.T @ matrix, images.view(36))
    assert (implicit_solve(images, stencil, 1.0).view(36) - expected).abs().max() < 1e-12


def test_an_impulse_is_felt_in_the_whole_image_and_in_no_other_channel() -> None:
    impulse = torch.zeros(1, 2, 16, 16, dtype=torch.double)
    impulse[0, 0, 3, 4] = 1.0
    felt = implicit_solve(impulse, noise(2, 3, 3), 1.0)
    assert (felt[0, 0].abs() > 1e-12).all()
    assert (felt[0, 1] == 0).all()


def test_a_small_step_is_the_identity() -> None:
    images = noise(1, 2, 8, 8)
    assert (implicit_solve(images, noise(2, 3, 3, seed=1), 1e-9) - images).abs().max() < 1e-6


@pytest.mark.parametrize("boundary", ["periodic", "reflecting"])
def test_half_precision_is_solved_as_float32_is(boundary: Literal["periodic", "reflecting"]) -> None:
    images, stencils = noise(2, 3, 7, 9).bfloat16(), noise(3, 3, 3, seed=1).bfloat16()
    expected = implicit_solve(images.float(), stencils.float(), 1.0, boundary)
    assert torch.equal(implicit_solve(images, stencils, 1.0, boundary), expected.bfloat16())


@pytest.mark.parametrize("boundary", ["periodic", "reflecting"])
@pytest.mark.parametrize("h", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("size", SIZES)
def test_the_mean_of_a_channel_passes_and_no_norm_grows(size: tuple[int, int], h: float, boundary: str) -> None:
    images, stencils = noise(2, 3, *size), without_mean(noise(3, 3, 3, seed=1))
    solved = implicit_solve(images, stencils, h, boundary)  # type: ignore[arg-type]
    if boundary == "periodic":
        assert (solved.mean(dim=(-2, -1)) - images.mean(dim=(-2, -1))).abs().max() < 1e-12
        assert (solved.norm(dim=(-2, -1)) <= images.norm(dim=(-2, -1)) + 1e-12).all()
    constant = torch.ones_like(images)
    assert (implicit_solve(constant, stencils, h, boundary) - constant).abs().max() < 1e-9  # type: ignore[arg-type]


def test_a_corner_hears_of_the_opposite_one_only_with_a_periodic_boundary() -> None:
    impulse = torch.zeros(1, 1, 16, 16, dtype=torch.double)
    impulse[0, 0, 0, 0] = 1.0
    stencil = without_mean(noise(1, 3, 3))
    periodic, reflecting = (implicit_solve(impulse, stencil, 1.0, kind)[0, 0] for kind in ("periodic", "reflecting"))
    assert periodic[15, 15].sub(periodic[1, 1]).abs() < 1e-12
    assert reflecting[15, 15].abs() < 1e-3 * reflecting[1, 1].abs()


@pytest.mark.parametrize("boundary", ["periodic", "reflecting"])
def test_gradients_equal_finite_differences(boundary: str) -> None:
    images, stencils = noise(1, 2, 4, 5).requires_grad_(), noise(2, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, s: implicit_solve(x, s, 1.0, boundary), (images, stencils))  # type: ignore[arg-type]


def reached(step: ImexStep, count: int) -> Tensor:
    """Which pixels of a 17 x 17 image are moved by its centre through `count` steps."""
    still = torch.zeros(1, 4, 17, 17, dtype=torch.double)
    still.requires_grad_()
    state = still + noise(1, 4, 17, 17)
    for _ in range(count):
        state = step(state)
    (gradient,) = torch.autograd.grad(state[0, :, 8, 8].sum(), still)
    return (gradient[0] != 0).any(dim=0)


def test_explicit_steps_see_four_pixels_each_and_implicit_ones_the_whole_image() -> None:
    torch.manual_seed(0)
    explicit, implicit = (ImexStep(4, implicit=kind).double().eval() for kind in (False, True))
    field = torch.zeros(17, 17, dtype=torch.bool)
    field[8 - 4 : 8 + 5, 8 - 4 : 8 + 5] = True
    seen = reached(explicit, 2)
    assert not (seen & ~field).any()
    assert seen[4].any() and seen[12].any() and seen[:, 4].any() and seen[:, 12].any()
    assert reached(implicit, 1).all()


def test_a_step_has_nine_n_squared_weights_and_nine_n_more_when_it_is_implicit() -> None:
    for implicit, count in ((False, 9 * 64 * 64), (True, 9 * 64 * 64 + 9 * 64)):
        assert sum(parameter.numel() for parameter in ImexStep(64, implicit=implicit).parameters()) == count


def test_the_step_is_its_formula() -> None:
    torch.manual_seed(0)
    step = ImexStep(3, h=0.5, implicit=False, sign=-1).double().eval()
    images = noise(2, 3, 6, 6)
    kernel = step.conv.weight - step.conv.weight.mean(dim=(2, 3), keepdim=True)
    norm = (1 + step.norm.eps) ** -0.5
    inner = torch.relu(norm * functional.conv2d(images, kernel, padding=1))
    flipped = kernel.transpose(0, 1).flip(2, 3)
    expected = norm * (images - 0.5 * functional.conv2d(inner, flipped, padding=1))
    assert (step(images) - expected).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("options", "said"),
    [({"h": 0.0}, "h must be above 0"), ({"boundary": "zero"}, "periodic or reflecting"), ({"sign": 2}, "1 or -1")],
)
def test_other_values_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ImexStep(2, **options)  # type: ignore[arg-type]
