"""The skeleton of the compact operators: its parameters to the unit."""

import pytest
import torch
from torch import nn

from sparsecnn.layers.full import FullConv2d
from sparsecnn.layers.lean import LeanConv2d
from sparsecnn.layers.steps import ChannelNorm2d, Symmetric
from sparsecnn.models.skeleton import Skeleton

WIDTHS = {"cifar10": (32, 64, 112, 112), "cifar100": (32, 64, 128, 256), "stl10": (16, 32, 64, 128, 128)}
CLASSES = {"cifar10": 10, "cifar100": 100, "stl10": 10}


def parameters(model: nn.Module) -> int:
    """Those that are not fixed to zero."""
    return sum(int(p.count_nonzero()) if "spatial" in name else p.numel() for name, p in model.named_parameters())


@pytest.mark.parametrize(
    ("operator", "data", "steps", "count"),
    [
        (FullConv2d, "cifar10", 3, 502_570),
        (FullConv2d, "cifar100", 3, 652_484),
        (FullConv2d, "stl10", 3, 618_554),
        (FullConv2d, "stl10", 5, 1_011_194),
        (LeanConv2d, "cifar10", 3, 81_130),
        (LeanConv2d, "cifar100", 3, 139_076),
        (LeanConv2d, "stl10", 5, 145_594),
    ],
)
def test_the_parameters_are_those_of_the_published_networks(
    operator: type[nn.Module], data: str, steps: int, count: int
) -> None:
    for norm in (ChannelNorm2d, nn.BatchNorm2d):
        model = Skeleton(Symmetric(operator, norm), WIDTHS[data], steps, classes=CLASSES[data])
        assert parameters(model) == count


def test_images_are_halved_between_stages() -> None:
    sides = []
    model = Skeleton(Symmetric(LeanConv2d, nn.BatchNorm2d), (4, 6, 8, 8), 1, in_channels=1, classes=7)
    for stage in model.stages:
        stage.register_forward_hook(lambda _, inputs, output: sides.append(tuple(output.shape)))
    assert model(torch.zeros(2, 1, 20, 24)).shape == (2, 7)
    assert sides == [(2, 6, 20, 24), (2, 8, 10, 12), (2, 8, 5, 6)]


def test_one_width_is_refused() -> None:
    with pytest.raises(ValueError, match="widths must be at least two"):
        Skeleton(Symmetric(LeanConv2d, nn.BatchNorm2d), (32,))
