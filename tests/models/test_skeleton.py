"""The skeleton of the compact operators: its parameters to the unit."""

import pytest
import torch
from torch import nn

from sparsecnn.layers.full import FullConv2d
from sparsecnn.layers.lean import LeanConv2d
from sparsecnn.layers.steps import ChannelNorm2d, Symmetric
from sparsecnn.models.pixel_net import PixelNet
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


@pytest.mark.parametrize(("widths", "steps"), [((4, 0), 1), ((4, 8), -1)])
def test_no_channels_and_fewer_steps_than_none_are_refused(widths: tuple[int, ...], steps: int) -> None:
    for network in (Skeleton, PixelNet):
        with pytest.raises(ValueError, match="widths must be at least 1 and steps at least 0, got"):
            network(FullConv2d, widths, steps)


@pytest.mark.parametrize(("early", "lean_stages"), [(None, [2]), (0, [0, 1, 2]), (1, [1, 2]), (3, [])])
def test_early_stages_take_their_own_step(early: int | None, lean_stages: list[int]) -> None:
    lean, full = (Symmetric(operator, nn.BatchNorm2d) for operator in (LeanConv2d, FullConv2d))
    model = Skeleton(lean, (4, 6, 8, 8), 1, early_step=full, early_stages=early)
    kinds = [[type(module) for module in stage.modules()] for stage in model.stages]
    assert [number for number, found in enumerate(kinds) if LeanConv2d in found] == lean_stages
    assert all((FullConv2d in found) == (number not in lean_stages) for number, found in enumerate(kinds))


@pytest.mark.parametrize(
    ("early", "message"),
    [
        ({"early_stages": 1}, "early_stages need an early_step"),
        ({"early_stages": 2}, "early_stages must be 0 to 1, got 2"),
    ],
)
def test_early_stages_are_stages_and_have_a_step(early: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Skeleton(Symmetric(LeanConv2d, nn.BatchNorm2d), (4, 8), 1, **early)
