"""Lean convolutions against the ordinary convolution that computes the same."""

import pytest
import torch
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers.lean import LeanConv2d

KINDS = [("star", 1), ("square", 1), ("horizontal", 1), ("vertical", 1), ("separable", 1), ("star", 3), ("square", 6)]
POINTS = {"star": 4, "square": 8, "horizontal": 2, "vertical": 2, "separable": 2}


def lean(stencil: str, group_size: int, channels: int = 6) -> LeanConv2d:
    torch.manual_seed(0)
    return LeanConv2d(channels, stencil, group_size).double()  # type: ignore[arg-type]


@pytest.mark.parametrize(("stencil", "group_size"), KINDS)
def test_weights_are_n_squared_and_the_stencils(stencil: str, group_size: int) -> None:
    layer = lean(stencil, group_size)
    kept = sum(int(weight.count_nonzero()) for weight in layer.parameters())
    assert kept == 6 * 6 + POINTS[stencil] * group_size * 6


def test_a_star_takes_n_squared_plus_4n_weights() -> None:
    assert sum(int(weight.count_nonzero()) for weight in LeanConv2d(32).parameters()) == 32 * 32 + 4 * 32


@pytest.mark.parametrize(("stencil", "group_size"), KINDS)
def test_it_is_the_convolution_with_the_dense_kernel(stencil: str, group_size: int) -> None:
    layer, images = lean(stencil, group_size), torch.randn(2, 6, 5, 7, dtype=torch.double)
    expected = functional.conv2d(images, layer.dense_kernel(), padding=1)
    assert (layer(images) - expected).abs().max() < 1e-12
    assert (layer.eval()(images) - expected).abs().max() < 1e-12


@pytest.mark.parametrize(("stencil", "group_size"), KINDS)
def test_the_transposed_operator_is_the_adjoint(stencil: str, group_size: int) -> None:
    layer = lean(stencil, group_size)
    one, other = torch.randn(2, 1, 6, 5, 7, dtype=torch.double)
    assert ((layer(one) * other).sum() - (one * layer.adjoint(other)).sum()).abs() < 1e-12


def test_an_impulse_reaches_four_neighbours_in_its_channel_and_its_place_in_all() -> None:
    impulse = torch.zeros(1, 6, 7, 7, dtype=torch.double)
    impulse[0, 2, 3, 3] = 1.0
    reached = lean("star", 1)(impulse)[0] != 0
    star = torch.zeros(7, 7, dtype=torch.bool)
    star[[2, 3, 3, 4], [3, 2, 4, 3]] = True
    place = torch.zeros(7, 7, dtype=torch.bool)
    place[3, 3] = True
    for channel in range(6):
        assert torch.equal(reached[channel], place | star if channel == 2 else place)


def test_a_separable_stencil_looks_across_and_down_in_turn() -> None:
    kept = lean("separable", 2).spatial.mask[:, 0]
    across = torch.tensor([[0, 0, 0], [1, 0, 1], [0, 0, 0]], dtype=torch.bool)
    for output in range(6):
        assert torch.equal(kept[output], across.T if output % 2 else across)


def test_groups_must_divide_the_channels_and_stencils_have_names() -> None:
    with pytest.raises(ConfigError, match="must divide the 6 channels, got 4"):
        LeanConv2d(6, group_size=4)
    with pytest.raises(
        ConfigError, match="a stencil is one of star, square, horizontal, vertical, separable, got cross"
    ):
        LeanConv2d(6, "cross")  # type: ignore[arg-type]
