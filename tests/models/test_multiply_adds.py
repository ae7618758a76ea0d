"""Multiply-adds of networks, against the counts that are known and formulas."""

from collections.abc import Callable
from functools import partial
from math import log2

import pytest
import torch
from torch import Tensor, nn

from sparsecnn.layers import (
    DeformableConv2d,
    FullConv2d,
    ImexStep,
    LeanConv2d,
    Ode,
    Residual,
    Symmetric,
    bitwise,
    predefined,
)
from sparsecnn.layers.deformable import Through
from sparsecnn.models import ResNet, caffenet, layer_work, multiply_adds, prunable_weights
from sparsecnn.operators import project_l0

SIDES = (8, 6, 5)
PLACES = 6 * 5
FULL, CHANNELS = 9 * 8 * 8, 8


def test_caffenet_has_the_products_that_are_known_of_alexnet() -> None:
    work = layer_work(caffenet(), (3, 227, 227))
    assert list(work) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    convolutions = [work[f"conv{number}"].dense_products for number in range(1, 6)]
    assert convolutions == [105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192]
    assert sum(convolutions) == 665_784_864
    assert [work[name].terms for name in ("conv1", "conv2", "fc6")] == [363, 1200, 9216]


def test_products_with_zeros_are_left_out() -> None:
    torch.manual_seed(0)
    model = ResNet(20)
    dense = layer_work(model, (3, 32, 32))
    with torch.no_grad():
        for weight in prunable_weights(model).values():
            weight.copy_(project_l0(weight, weight.numel() // 8))
    sparse = layer_work(model, (3, 32, 32))
    assert multiply_adds(model, (3, 32, 32)) == sum(work.multiply_adds for work in sparse.values())
    for name, weight in prunable_weights(model).items():
        places = dense[name].products // weight.numel()
        assert sparse[name].products == int(weight.count_nonzero()) * places
        assert sparse[name].dense_products == dense[name].products


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Residual(FullConv2d), 2 * FULL),
        (Symmetric(FullConv2d), 2 * FULL),
        (Symmetric(LeanConv2d), 2 * (8 * 8 + 4 * 8)),
        (Symmetric(partial(LeanConv2d, stencil="square", group_size=4)), 2 * (8 * 8 + 8 * 4 * 8)),
        (Residual(predefined), 2 * int(predefined(CHANNELS).mask.sum())),
        (Ode(FullConv2d, time_steps=3, method="rk2"), 3 * 2 * 2 * FULL),
        (Residual(bitwise), 2 * FULL),
    ],
)
def test_a_step_takes_what_its_formula_says(step: Callable[[int], nn.Module], expected: int) -> None:
    torch.manual_seed(0)
    model = step(CHANNELS)
    assert multiply_adds(model, SIDES) == expected * PLACES


def test_an_implicit_step_counts_its_transforms() -> None:
    (name, work), *rest = layer_work(ImexStep(CHANNELS), SIDES).items()
    assert (name, rest) == ("", [])
    # The kernels have mean zero, so none of their weights is zero.
    assert work.products == 2 * FULL * PLACES
    assert work.others == 3 * round(CHANNELS * 1.25 * PLACES * log2(PLACES))


@pytest.mark.parametrize("through", ["taps", "torchvision"])
def test_a_deformable_convolution_counts_offsets_and_samples(through: Through) -> None:
    torch.manual_seed(0)
    layer = DeformableConv2d(CHANNELS, 4, padding=1, through=through)
    nn.init.ones_(layer.where.weight)
    work = layer_work(layer, SIDES)
    assert work["where"].products == 27 * 9 * CHANNELS * PLACES
    assert sum(each.products for each in work.values()) == (27 * 9 * CHANNELS + 9 * CHANNELS * 4) * PLACES
    assert sum(each.others for each in work.values()) == 4 * 9 * CHANNELS * PLACES


class Attending(nn.Module):
    """Self-attention of the pixels of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(CHANNELS, 2, dim_feedforward=12, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        result: Tensor = self.layer(images.flatten(2).transpose(1, 2))
        return result


def test_attention_counts_its_matrices_and_its_products() -> None:
    work = layer_work(Attending(), SIDES)
    products = sum(each.products for each in work.values())
    assert products == PLACES * (3 * CHANNELS**2 + CHANNELS**2 + 2 * 12 * CHANNELS)
    assert sum(each.others for each in work.values()) == 2 * PLACES**2 * CHANNELS


def test_a_weight_on_the_left_is_the_weight() -> None:
    class Left(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(5, CHANNELS))

        def forward(self, images: Tensor) -> Tensor:
            return self.weight @ images[0].flatten(1)

    assert layer_work(Left(), SIDES)["weight"].products == 5 * CHANNELS * PLACES


def test_the_network_is_left_as_it_is() -> None:
    model = Residual(bitwise)(CHANNELS).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    layer_work(model, SIDES)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
