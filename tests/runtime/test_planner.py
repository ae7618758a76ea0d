"""What is added may lie where the sum goes, in segments, or be read by the convolution itself."""

import pytest
import torch
from runtime.packed_networks import error
from runtime.random_programs import both

from sparsecnn.programs import parse_program

TOLERANCE = 1e-5


def check(text: str, shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    program = parse_program(text)
    channels = {"a": shape[0]}
    weights = {str(s.layer): torch.randn(4, channels.get(str(s.layer), 4), 3, 3) / 6 for s in program.steps if s.layer}
    network, reference = both(program, weights, {}, shape)
    assert all(layer.is_sparse for layer in network.plan)
    images = torch.randn(3, *shape)
    assert error(network(images), reference(images.double()).float()) <= TOLERANCE


@pytest.mark.usefixtures("all_in_c")
@pytest.mark.parametrize("side", [8, 11, 16, 19, 20])
def test_a_map_is_added_to_its_own_convolution(side: int) -> None:
    check("conv a p1;conv b p1;add @1 @2;conv c p1;mean", (3, side, side))


@pytest.mark.usefixtures("all_in_c")
@pytest.mark.parametrize("height", [1, 3, 8, 11, 12, 13, 15, 16, 17])
def test_sums_that_take_the_place_of_what_is_added_add_it_once(height: int) -> None:
    check("conv a p1;conv b p1;conv c p1;add @1 @3;conv d p1;mean", (3, height, 12))


@pytest.mark.usefixtures("all_in_c")
@pytest.mark.parametrize("stride", [2, 3])
def test_a_shortcut_may_come_from_a_map_in_segments(stride: int) -> None:
    shortcut = f"slice d2 s{stride} @1;slice d3 s{stride};pad p0,0,0,0,0,0"
    check(f"conv a p1;conv b p1;conv c s{stride} p1;{shortcut};add @3 @6;mean", (3, 21, 21))
