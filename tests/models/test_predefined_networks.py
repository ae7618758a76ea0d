"""ResNet-18 and VGG16 with pre-defined supports: parameters to the unit, against the counts of the closed form."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from sparsecnn.layers import PredefinedConv2d
from sparsecnn.models import ResNet18, other_values, vgg16, weight_counts

# In thousands, as published of the same networks.
RESNET18 = {
    "psc9": 11_174,
    "psc4": 5_071,
    "ps4_p4": 5_071,
    "psd4_p8": 5_834,
    "psd4_p16": 5_452,
    "ps2_p6": 2_630,
    "psd2_p8": 3_698,
    "psd2_p16": 3_164,
    "ps1_p9": 1_409,
    "psd1_p8": 2_630,
    "psd1_p16": 2_019,
}
VGG16 = {
    "psc9": 14_728,
    "psc4": 6_557,
    "psd4_p8": 7_578,
    "psd4_p16": 7_067,
    "ps2_p6": 3_288,
    "psd2_p8": 4_718,
    "psd2_p16": 4_003,
    "ps1_p9": 1_654,
    "psd1_p8": 3_288,
    "psd1_p16": 2_471,
}


def parameters(model: nn.Module) -> int:
    """Without running statistics and without the zeros outside of a support."""
    statistics = sum(buffer.numel() for buffer in model.buffers() if buffer.is_floating_point())
    return sum(weight_counts(model).values()) + other_values(model) - statistics


@pytest.mark.parametrize(("build", "count"), [(ResNet18, 11_173_962), (vgg16, 14_728_266)])
def test_dense_networks_have_the_published_number_of_parameters(build: Callable[..., nn.Module], count: int) -> None:
    assert parameters(build()) == count == sum(parameter.numel() for parameter in build().parameters())


@pytest.mark.parametrize(
    ("build", "supports", "thousands"),
    [(ResNet18, *pair) for pair in RESNET18.items()] + [(vgg16, *pair) for pair in VGG16.items()],
)
def test_networks_with_supports_have_the_published_thousands(
    build: Callable[..., nn.Module], supports: str, thousands: int
) -> None:
    # A multiple of no period leaves a few kernels more or less than their share.
    assert abs(parameters(build(supports)) / 1000 - thousands) <= 1.0


def test_first_convolutions_projections_and_classifiers_are_dense() -> None:
    for model in (ResNet18("psd2_p8"), vgg16("psd2_p8")):
        convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
        masked = [isinstance(module, PredefinedConv2d) for module in convolutions]
        sides = [module.kernel_size[0] for module in convolutions]
        assert masked == [number > 0 and side == 3 for number, side in enumerate(sides)]


def test_images_of_32_pixels_give_scores() -> None:
    images = torch.zeros(2, 3, 32, 32)
    assert ResNet18("ps1_p9", classes=7)(images).shape == vgg16("ps1_p9", classes=7)(images).shape == (2, 7)


@pytest.mark.parametrize("build", [ResNet18, vgg16])
def test_drawn_supports_are_others_for_each_layer_and_seed(build: Callable[..., nn.Module]) -> None:
    networks = [build(supports="psc4", seed=seed) for seed in (0, 1)]
    masks = [layer.mask for network in networks for layer in network.modules() if isinstance(layer, PredefinedConv2d)]
    assert len({(*mask.shape, mask.numpy().tobytes()) for mask in masks}) == len(masks)
    again = next(layer.mask for layer in build(supports="psc4").modules() if isinstance(layer, PredefinedConv2d))
    assert torch.equal(again, masks[0])
