"""Pre-defined supports: the patterns, the periodic rule, and that nothing else ever comes to be."""

import pytest
import torch

from sparsecnn.errors import ConfigError
from sparsecnn.layers.predefined import PATTERNS, KernelSupports, PredefinedConv2d

NAMES = ["psc4", "psc2", "psc1", "ps4_p4", "ps2_p6", "ps1_p9", "psd4_p8", "psd4_p16", "psd2_p8", "psd2_p16", "psd1_p8"]


@pytest.mark.parametrize("name", NAMES)
def test_nonzeros_are_those_of_the_closed_form(name: str) -> None:
    supports = KernelSupports.named(name)
    outputs, inputs = 48, 144  # multiples of every period
    mask = supports.mask(outputs, inputs)
    dense_share = 1 / supports.period if supports.has_dense and supports.period else 0.0
    assert mask.sum() == outputs * inputs * (9 * dense_share + supports.kept * (1 - dense_share))


def test_psd4_p8_keeps_37_of_72_weights_of_32_inputs() -> None:
    assert KernelSupports.named("psd4_p8").mask(5, 32).double().mean() == 37 / 72


@pytest.mark.parametrize("name", [name for name in NAMES if "_p" in name])
def test_the_kernels_of_an_output_are_those_of_the_output_before_moved_by_one_input(name: str) -> None:
    mask = KernelSupports.named(name).mask(40, 40)
    assert torch.equal(mask[1:, :-1], mask[:-1, 1:])


def test_psd4_has_five_kernels_one_of_them_dense() -> None:
    kernels = KernelSupports.named("psd4_p8").mask(64, 64).view(-1, 9).unique(dim=0)
    assert sorted(kernels.sum(dim=1).tolist()) == [4, 4, 4, 4, 9]


def test_patterns_are_squares_pairs_in_a_row_and_single_positions() -> None:
    for kept, patterns in PATTERNS.items():
        for pattern in patterns:
            rows, columns = {position // 3 for position in pattern}, {position % 3 for position in pattern}
            assert len(pattern) == kept == len(rows) * len(columns)
            assert max(rows) - min(rows) + 1 == len(rows)
            assert max(columns) - min(columns) + 1 == len(columns)
    assert [len(patterns) for patterns in PATTERNS.values()] == [4, 6, 9]


def test_drawn_supports_depend_on_the_seed_alone() -> None:
    one, same, other = (KernelSupports.named("psc4", seed).mask(16, 16) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert len(one.view(-1, 9).unique(dim=0)) > 60  # of 126


@pytest.mark.parametrize("name", ["psc0", "ps3_p4", "psd4", "ps4_p0", "ps4_p1000", "psd4_p8x", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="kernel supports are named like"):
        KernelSupports.named(name)


def test_zeros_stay_zero_under_momentum_and_weight_decay() -> None:
    torch.manual_seed(0)
    mask = KernelSupports.named("psd4_p8").mask(8, 16)
    layer = PredefinedConv2d(16, 8, 3, mask=mask, padding=1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    before = layer.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.randn(2, 16, 5, 5)).square().sum().backward()
        optimizer.step()
    assert torch.equal(layer.weight != 0, mask)
    assert (layer.weight != before)[mask].all()


def test_zeros_stay_zero_in_a_layer_that_is_trained_in_eval_mode() -> None:
    mask = KernelSupports.named("ps4_p4").mask(4, 4)
    layer = PredefinedConv2d(4, 4, 3, mask=mask, padding=1).eval()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.randn(2, 4, 5, 5)).square().sum().backward()
    optimizer.step()
    assert torch.equal(layer.weight != 0, mask)


def test_weights_of_a_dense_layer_lose_what_lies_outside_of_the_support() -> None:
    mask = KernelSupports.named("psc2").mask(4, 4)
    layer = PredefinedConv2d(4, 4, 3, mask=mask)
    dense = torch.nn.Conv2d(4, 4, 3)
    torch.nn.Sequential(layer).load_state_dict(torch.nn.Sequential(dense).state_dict())
    assert torch.equal(layer.weight, dense.weight * mask)


def test_what_it_computes_is_the_convolution_with_the_masked_weight() -> None:
    torch.manual_seed(0)
    mask = KernelSupports.named("ps2_p6").mask(6, 4)
    layer = PredefinedConv2d(4, 6, 3, mask=mask, padding=1, stride=2).double()
    images = torch.randn(2, 4, 7, 8, dtype=torch.double)
    expected = torch.nn.functional.conv2d(images, layer.weight.detach(), layer.bias, stride=2, padding=1)
    assert torch.equal(layer(images), expected)
    assert torch.equal(layer.eval()(images), expected)
    assert torch.equal(layer.weight != 0, mask)


def test_nine_kept_positions_are_an_ordinary_convolution() -> None:
    assert KernelSupports.named("psc9").mask(7, 5).all()


def test_files_hold_the_weight_and_no_mask() -> None:
    layer = PredefinedConv2d(2, 2, 3, mask=KernelSupports.named("psc1").mask(2, 2), bias=False)
    assert list(layer.state_dict()) == ["weight"]
