"""The AlexNet for small images: AlexNet's layers, at a third of their width."""

import pytest
import torch
from torch import nn

from sparsecnn.models import alexnet, caffenet, other_values, prunable_weights


def kinds(model: nn.Sequential) -> list[type[nn.Module]]:
    return [type(module) for module in model if not isinstance(module, nn.LocalResponseNorm)]


def test_its_layers_follow_each_other_as_those_of_caffenet_do() -> None:
    with torch.device("meta"):
        small, large = alexnet(), caffenet()
    assert kinds(small) == kinds(large)
    groups = [[module.groups for module in model if isinstance(module, nn.Conv2d)] for model in (small, large)]
    assert groups[0] == groups[1] == [1, 2, 1, 2, 2]


def test_the_linear_layers_hold_most_weights_as_in_alexnet() -> None:
    sizes = {name: weight.numel() for name, weight in prunable_weights(alexnet()).items()}
    assert sizes == {
        "conv1": 2_400,
        "conv2": 38_400,
        "conv3": 110_592,
        "conv4": 73_728,
        "conv5": 55_296,
        "fc6": 1_572_864,
        "fc7": 1_048_576,
        "fc8": 51_200,
    }
    assert other_values(alexnet()) == 32 + 96 + 128 + 128 + 96 + 1024 + 1024 + 50


@pytest.mark.parametrize(("channels", "size", "classes"), [(3, 64, 50), (1, 15, 2), (3, 17, 7), (2, 63, 200)])
def test_it_takes_images_of_its_size_and_others(channels: int, size: int, classes: int) -> None:
    model = alexnet(in_channels=channels, image_size=size, classes=classes)
    assert model(torch.randn(2, channels, size, size)).shape == (2, classes)


def test_images_that_its_poolings_leave_nothing_of_are_refused() -> None:
    with pytest.raises(ValueError, match="alexnet needs images of at least 15 x 15 pixels, got 14"):
        alexnet(image_size=14)


def test_the_last_layer_starts_small_and_the_others_keep_the_size_of_what_they_are_given() -> None:
    torch.manual_seed(0)
    model = alexnet()
    for name, std in (("conv2", (2 / 400) ** 0.5), ("fc6", (2 / 1536) ** 0.5), ("fc8", 0.01)):
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        assert layer.bias is not None
        assert layer.weight.std().item() == pytest.approx(std, rel=0.02)
        assert not layer.bias.any()
