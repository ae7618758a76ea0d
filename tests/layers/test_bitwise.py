"""Values of few bits: quantisers, bit planes against whole numbers, the module against its float twin."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers import KernelSupports, LeanConv2d, Symmetric, bit_planes, bitwise, bitwise_lean
from sparsecnn.layers.bit_planes import bitwise_conv2d, packed_windows, products
from sparsecnn.layers.bitwise import BitwiseConv2d
from sparsecnn.layers.quantisers import Levels, quantise_activations, quantise_unit, quantise_weight
from sparsecnn.layers.steps import Make

BITS = [(1, 1), (1, 2), (2, 2), (4, 8), (8, 8)]


@pytest.fixture(params=["C", "NumPy"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kernels in C, and what there is without a compiler."""
    if request.param == "NumPy":
        monkeypatch.setattr(bit_planes, "_kernels", lambda: None)
        monkeypatch.setattr(bit_planes, "CHUNK", 64)
    else:
        assert bit_planes._kernels() is not None
    yield


def whole(high: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("weight_bits", "bits"), BITS)
@pytest.mark.parametrize(("stride", "padding", "channels"), [(1, 1, 3), (2, 0, 7), (1, 2, 9)])
def test_bit_planes_give_the_whole_numbers_of_the_convolution(
    weight_bits: int, bits: int, stride: int, padding: int, channels: int
) -> None:
    numbers = whole(2**bits, 2, channels, 7, 6)
    weights, kept = whole(2**weight_bits, 5, channels, 3, 3, seed=1), whole(2, 5, channels, 3, 3, seed=2).bool()
    levels = Levels(weights, kept, 2**weight_bits - 1, torch.tensor(1.0))
    first, second = bitwise_conv2d(numbers, bits, levels, weight_bits, stride=stride, padding=padding)

    def expected(weight: Tensor) -> Tensor:
        return functional.conv2d(numbers.double(), weight.double(), stride=stride, padding=padding).long()

    assert torch.equal(first, expected(weights * kept))
    assert torch.equal(second, expected(kept))


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("weight_bits", "bits"), BITS)
@pytest.mark.parametrize("is_pruned", [False, True])
def test_bit_by_bit_is_the_convolution_of_the_quantised_values(weight_bits: int, bits: int, is_pruned: bool) -> None:
    torch.manual_seed(0)
    layer = BitwiseConv2d(8, 4, 3, padding=1, weight_bits=weight_bits, activation_bits=bits).double()
    if is_pruned:
        with torch.no_grad():
            layer.weight[torch.rand(layer.weight.shape) < 0.7] = 0.0
    images = torch.rand(2, 8, 6, 5, dtype=torch.double) * 1.5 - 0.2
    assert (layer.bit_by_bit(images) - layer(images)).abs().max() < 1e-12


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("weight_bits", "bits"), BITS)
@pytest.mark.parametrize(("padding", "groups"), [(1, 1), (0, 2)])
def test_the_transpose_is_the_adjoint_on_quantised_values(
    weight_bits: int, bits: int, padding: int, groups: int
) -> None:
    torch.manual_seed(0)
    layer = BitwiseConv2d(
        8, 4, 3, padding=padding, groups=groups, weight_bits=weight_bits, activation_bits=bits
    ).double()
    images = quantise_activations(torch.rand(2, 8, 6, 5, dtype=torch.double), bits)
    others = quantise_activations(torch.rand_like(layer(images)), bits)
    transposed = layer.adjoint(others)
    assert ((layer(images) * others).sum() - (images * transposed).sum()).abs() < 1e-11
    assert (layer.bit_by_bit(others, is_transposed=True) - transposed).abs().max() < 1e-12
    assert torch.equal(layer.deployed().adjoint(others), transposed)


@pytest.mark.parametrize("make", [bitwise, bitwise_lean])
def test_a_symmetric_step_goes_through_bits_both_ways(make: Make) -> None:
    torch.manual_seed(0)
    through_floats, through_bits = (Symmetric(partial(make, through=way))(4).double() for way in ("floats", "bits"))
    through_bits.load_state_dict(through_floats.state_dict())
    images = torch.rand(2, 4, 6, 5, dtype=torch.double)
    with torch.no_grad(), pytest.MonkeyPatch.context() as monkeypatch:
        expected = through_floats.eval()(images)
        monkeypatch.delattr(functional, "conv2d")
        monkeypatch.delattr(functional, "conv_transpose2d")
        assert (through_bits.eval()(images) - expected).abs().max() < 1e-12


def test_evaluations_go_through_bits_where_asked() -> None:
    torch.manual_seed(0)
    layer = bitwise(4, weight_bits=2, supports="psd4_p8", through="bits").double()
    images = torch.rand(2, 4, 5, 5, dtype=torch.double)
    trained = layer(images)
    assert trained.requires_grad
    layer.eval()
    assert torch.equal(layer(images), trained)
    with torch.no_grad():
        assert torch.equal(layer(images), layer.bit_by_bit(images))
        assert (layer(images) - trained).abs().max() < 1e-12
        images[1, 2, 3, 4] = torch.nan
        assert torch.equal(layer(images).isnan().any(dim=(1, 2, 3)), torch.tensor([False, True]))
    with pytest.raises(ConfigError, match="goes through floats or bits, got words"):
        bitwise(4, through="words")  # type: ignore[arg-type]


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("group_size", [1, 2])
def test_a_lean_convolution_of_few_bits_is_the_sum_of_its_quantised_parts(group_size: int) -> None:
    torch.manual_seed(0)
    lean = bitwise_lean(4, weight_bits=2, activation_bits=3, group_size=group_size).double()
    images = torch.rand(2, 4, 6, 5, dtype=torch.double) * 1.5 - 0.2
    plain = LeanConv2d(4, group_size=group_size).double()
    for part in ("spatial", "pointwise"):
        weight = quantise_weight(lean.get_submodule(part).weight.detach(), 2)
        plain.get_submodule(part).load_state_dict({"weight": weight})
    assert torch.allclose(lean(images), plain(quantise_activations(images, 3)), atol=1e-12)
    assert torch.allclose(lean(images), sum(part.bit_by_bit(images) for part in lean.children()), atol=1e-12)  # type: ignore[operator,misc]


@pytest.mark.parametrize("bits", [1, 3])
def test_weights_outside_of_a_support_stay_zero(bits: int) -> None:
    torch.manual_seed(0)
    layer = bitwise(8, weight_bits=bits, supports="psd4_p8")
    mask = KernelSupports.named("psd4_p8").mask(8, 8)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.rand(2, 8, 5, 5)).square().sum().backward()
        optimizer.step()
    assert torch.equal(layer.weight != 0, mask)
    assert layer.weight_count == mask.sum()
    layer.load_state_dict({"weight": torch.ones_like(layer.weight)})
    assert torch.equal(layer.weight != 0, mask)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_quantiser_has_two_to_the_bits_levels_and_quantises_once(bits: int) -> None:
    values = torch.linspace(0, 1, 5001, dtype=torch.double)
    found = quantise_unit(values, bits)
    assert len(found.unique()) == 2**bits
    assert torch.equal(quantise_unit(found, bits), found)
    assert (found - values).abs().max() <= 0.5 / (2**bits - 1) + 1e-12


def test_gradients_pass_the_rounding_and_stop_at_the_clipping() -> None:
    values = torch.tensor([-0.5, 0.2, 0.7, 1.5], requires_grad=True)
    quantise_activations(values, 2).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_levels_are_the_quantised_weight_and_zeros_stay(bits: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 4, 3, 3, dtype=torch.double)
    weight[:, 1] = 0.0
    levels, quantised = Levels.of(weight, bits), quantise_weight(weight, bits)
    assert torch.equal(levels.values, quantised)
    assert torch.equal(quantised != 0, weight != 0)
    assert len(quantised[weight != 0].unique()) <= 2**bits
    assert quantised.abs().max() <= (1.0 if bits > 1 else levels.scale)


def test_one_bit_is_the_sign_times_the_mean_magnitude_of_the_kept_weights() -> None:
    weight = torch.tensor([[0.5, -1.5, 0.0, 1.0]])
    assert quantise_weight(weight, 1).tolist() == [[1.0, -1.0, 0.0, 1.0]]


def test_the_scale_of_one_bit_has_eleven_bits() -> None:
    torch.manual_seed(0)
    for _ in range(50):
        weight = torch.randn(30) * 10.0 ** float(torch.randint(-6, 6, ()))
        scale = quantise_weight(weight, 1).abs().max()
        assert scale == pytest.approx(float(weight.abs().mean()), rel=2**-11)
        fraction, _ = torch.frexp(scale)
        assert fraction * 2**11 == (fraction * 2**11).round()


def test_gradients_of_weights_are_those_of_what_is_rounded() -> None:
    torch.manual_seed(0)
    weight = torch.randn(4, 5, dtype=torch.double, requires_grad=True)
    (one,) = torch.autograd.grad(quantise_weight(weight, 1).sum(), weight)
    assert torch.equal(one, torch.ones_like(weight))
    (more,) = torch.autograd.grad(quantise_weight(weight, 3).sum(), weight)
    bent = torch.tanh(weight)
    assert torch.allclose(more, (1 - bent.square()) / bent.abs().max(), rtol=1e-12)


def test_a_weight_of_zeros_alone_stays_zero() -> None:
    for bits in (1, 2):
        weight = torch.zeros(2, 3, requires_grad=True)
        quantise_weight(weight, bits).sum().backward()
        assert (quantise_weight(weight, bits) == 0).all()
        assert weight.grad is not None
        assert (weight.grad == 0).all()


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_planes_take_a_word_for_64_bits_and_hold_all_of_them(count: int) -> None:
    numbers = whole(16, 3, count)
    planes = packed_windows(numbers[:, :, None, None], 4, 1)
    assert planes.shape == (4, 3, -(-count // 64))
    assert planes[0].nbytes == 3 * -(-count // 64) * 8
    bits = np.unpackbits(planes.view(np.uint8), axis=-1, bitorder="little")[..., :count]
    assert torch.equal(sum(torch.from_numpy(bits[m].astype(np.int64)) << m for m in range(4)), numbers)  # type: ignore[arg-type]


@pytest.mark.usefixtures("either")
def test_sums_do_not_overflow_where_all_bits_are_set() -> None:
    count = 9 * 512
    ones = packed_windows(torch.full((2, count, 1, 1), 255), 8, 1)
    assert (products(ones, ones) == count * 255 * 255).all()


@pytest.mark.parametrize(("name", "bits"), [("weight_bits", 0), ("activation_bits", 9)])
def test_other_numbers_of_bits_are_refused(name: str, bits: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be in 1 to 8, got {bits}"):
        BitwiseConv2d(1, 1, 1, **{name: bits})
