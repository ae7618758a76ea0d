"""Steps: their formulas, and that a symmetric one is stable."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers import ImexStep, Residual, Symmetric, deformable, predefined
from sparsecnn.layers.full import FullConv2d
from sparsecnn.layers.lean import LeanConv2d
from sparsecnn.layers.steps import ChannelNorm2d, Make, ResidualStep, SymmetricStep


def jacobian(step: nn.Module, images: Tensor) -> Tensor:
    found = torch.autograd.functional.jacobian(step, images)
    assert isinstance(found, Tensor)
    return found.view(images.numel(), images.numel())


def test_a_symmetric_step_has_a_symmetric_jacobian_with_eigenvalues_up_to_one() -> None:
    torch.manual_seed(0)
    for operator in (LeanConv2d(3), FullConv2d(3)):
        step = SymmetricStep(operator, nn.Identity(), h=0.1).double()
        images = torch.randn(1, 3, 4, 5, dtype=torch.double)
        found = jacobian(step, images)
        assert (found - found.T).abs().max() < 1e-12
        norm = torch.linalg.matrix_norm(jacobian(operator.double(), images), 2)
        eigenvalues = torch.linalg.eigvalsh(found)
        assert eigenvalues.max() <= 1 + 1e-12
        assert eigenvalues.min() >= 1 - 0.1 * norm.square() - 1e-12


def test_a_symmetric_step_expands_no_distance_up_to_h_norm_squared_of_two() -> None:
    torch.manual_seed(0)
    operator = LeanConv2d(3).double()
    one, other = torch.randn(2, 1, 3, 6, 6, dtype=torch.double)
    h = float(2 / torch.linalg.matrix_norm(jacobian(operator, one), 2).square())
    step = SymmetricStep(operator, nn.Identity(), h)
    assert (step(one) - step(other)).norm() <= (one - other).norm() * (1 + 1e-12)


@pytest.mark.parametrize("h", [0.0, -1.0, math.inf, math.nan])
def test_steps_of_no_size_are_refused(h: float) -> None:
    for make in (Symmetric(FullConv2d, h=h), Residual(FullConv2d, h=h), partial(ImexStep, h=h)):
        with pytest.raises(ConfigError, match=f"h must be above 0 and finite, got {h}"):
            make(2)


def test_symmetric_steps_want_a_transpose() -> None:
    with pytest.raises(ConfigError, match="take operators with a transpose, not DeformableConv2d"):
        Symmetric(deformable)(2)


@pytest.mark.parametrize("make", [FullConv2d, predefined, partial(predefined, supports="psc2")])
def test_a_convolutions_transpose_is_its_adjoint(make: Make) -> None:
    torch.manual_seed(0)
    layer: Any = make(4).double()
    one, other = torch.randn(2, 1, 4, 5, 6, dtype=torch.double)
    assert ((layer(one) * other).sum() - (one * layer.adjoint(other)).sum()).abs() < 1e-12


def test_a_residual_step_is_its_formula() -> None:
    torch.manual_seed(0)
    step = ResidualStep(FullConv2d(2), ChannelNorm2d(2), FullConv2d(2), h=0.5).double()
    images = torch.randn(1, 2, 4, 4, dtype=torch.double)
    inner = functional.conv2d(images, step.first.weight, padding=1)  # type: ignore[arg-type]
    inner = torch.relu(inner / (inner.square().sum(dim=1, keepdim=True) + 1e-4).sqrt())
    expected = images + 0.5 * functional.conv2d(inner, step.second.weight, padding=1)  # type: ignore[arg-type]
    assert (step(images) - expected).abs().max() < 1e-12
