"""Layers of deformable convolutions: both ways through them, their beginning, their offsets, what they refuse."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers.deformable import DeformableConv2d


@pytest.mark.parametrize("side", [5, 7, 12, 28, 32])
@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_gradients_of_offsets_are_those_of_torchvision_where_training_begins(side: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = DeformableConv2d(3, 4, padding=1, version=1).to(dtype)
    images, found = torch.randn(2, 3, side, side, dtype=dtype), []
    for through in ("taps", "torchvision"):
        layer.through = through  # type: ignore[assignment]
        found.append(torch.autograd.grad(layer(images).sin().sum(), layer.where.weight)[0])
    assert (found[0] - found[1]).norm() < 1e3 * torch.finfo(dtype).eps * found[1].norm()


@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_half_precision_reads_where_float32_does(side: int, version: int, spread: float) -> None:
    torch.manual_seed(0)
    layer = DeformableConv2d(3, 4, padding=1, version=version)
    nn.init.normal_(layer.where.weight, std=spread)
    images, found = torch.randn(2, 3, side, side), []
    for half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            scores = layer(images)
        found.append((scores, *torch.autograd.grad(scores.float().sin().sum(), list(layer.parameters()))))
    for exact, rounded in zip(*found, strict=True):
        assert (rounded - exact).norm() < 0.1 * exact.norm()
    assert layer.to(torch.bfloat16)(images.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("version", [1, 2])
def test_a_layer_of_groups_computes_the_same_both_ways(version: int) -> None:
    torch.manual_seed(0)
    layer = DeformableConv2d(4, 6, padding=1, groups=2, offset_groups=2, version=version).double()
    assert layer.where.out_channels == 2 * (1 + version) * 9
    nn.init.normal_(layer.where.weight)
    images = torch.randn(2, 4, 6, 5, dtype=torch.double)
    by_taps = layer(images)
    layer.through = "torchvision"
    assert (layer(images) - by_taps).abs().max() < 1e-10
    with pytest.raises(ConfigError, match="offset_groups must divide the 4 channels, got 3"):
        DeformableConv2d(4, 6, offset_groups=3)
    with pytest.raises(ConfigError, match="groups must divide the 4 and 6 channels, got 4"):
        DeformableConv2d(4, 6, groups=4)


def test_offsets_that_are_no_numbers_give_none_and_harm_nothing() -> None:
    layer = DeformableConv2d(1, 2, padding=1, through="torchvision")
    with torch.no_grad():
        layer.where.bias[:] = torch.nan  # type: ignore[index]
    assert layer(torch.randn(1, 1, 4, 4)).isnan().all()


@pytest.mark.parametrize(("version", "channels"), [(1, 18), (2, 27)])
def test_the_convolution_beside_it_has_two_or_three_channels_a_tap(version: int, channels: int) -> None:
    layer = DeformableConv2d(64, 64, padding=1, version=version)
    beside = sum(parameter.numel() for parameter in layer.where.parameters())
    assert beside == channels * (9 * 64 + 1) == {1: 10_386, 2: 15_579}[version]
    assert layer.weight.numel() == 36_864


def test_a_fresh_layer_is_an_ordinary_convolution() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 5, 6, 7)
    for version, factor in ((1, 1.0), (2, 0.5)):
        layer = DeformableConv2d(5, 4, stride=2, padding=1, version=version, bias=False)
        expected = factor * functional.conv2d(images, layer.weight, stride=2, padding=1)
        torch.testing.assert_close(layer(images), expected)


def test_other_versions_are_refused() -> None:
    with pytest.raises(ConfigError, match="of version 1 or 2, got 3"):
        DeformableConv2d(1, 1, version=3)


@pytest.mark.parametrize(
    "window",
    [
        {"stride": 0},
        {"padding": -1},
        {"dilation": 0},
        {"kernel_size": 0},
        {"kernel_size": (3, 0)},
        {"kernel_size": (3,)},
    ],
)
def test_windows_that_no_convolution_has_are_refused(window: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="fits nowhere"):
        DeformableConv2d(2, 2, **window)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("kernel_size", [3, (3, 1), (2, 3)])
def test_both_ways_through_a_layer_compute_the_same(version: int, kernel_size: int | tuple[int, int]) -> None:
    torch.manual_seed(0)
    taps = DeformableConv2d(3, 4, kernel_size, padding=1, stride=2, version=version).double()
    nn.init.normal_(taps.where.weight)
    other = DeformableConv2d(3, 4, kernel_size, padding=1, stride=2, version=version, through="torchvision").double()
    other.load_state_dict(taps.state_dict())
    images = torch.randn(2, 3, 9, 8, dtype=torch.double)
    assert (taps(images) - other(images)).abs().max() < 1e-10
    with pytest.raises(ConfigError, match="through taps or torchvision, got columns"):
        DeformableConv2d(3, 4, through="columns")  # type: ignore[arg-type]
