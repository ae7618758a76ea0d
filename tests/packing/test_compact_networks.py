"""Networks of compact operators as packed files: the scores they had, in the bits that their operators need."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from sparsecnn.layers import (
    BitwiseConv2d,
    FullConv2d,
    ImexStep,
    LeanConv2d,
    Ode,
    Residual,
    Symmetric,
    bitwise,
    bitwise_lean,
    predefined,
)
from sparsecnn.models import Skeleton, deployed, few_bits, other_values, prunable_weights, weight_counts
from sparsecnn.operators import project_l0
from sparsecnn.packing import Quantised, packer_of, trainable, unpack
from sparsecnn.programs import ProgramModule
from sparsecnn.storage import PackedNetwork, Storage, parse, value_type

Make = Callable[[int], nn.Module]
IMAGES = (3, 8, 8)
STEPS: dict[str, Make] = {
    "full": Residual(FullConv2d),
    "lean": Symmetric(LeanConv2d),
    "lean in groups": Symmetric(partial(LeanConv2d, stencil="square", group_size=4)),
    "pre-defined": Residual(predefined),
    "symmetric pre-defined": Symmetric(predefined),
    "ODE": Ode(FullConv2d, time_steps=3, method="rk2"),
    "ODE that keeps few states": Ode(FullConv2d, time_steps=5, keep=1),
    "lean in an ODE": Ode(LeanConv2d),
    "pre-defined in an ODE": Ode(partial(predefined, supports="psc2")),
    "one bit": Residual(bitwise),
    "three bits": Residual(partial(bitwise, weight_bits=3, activation_bits=4)),
    "bit-wise in an ODE": Ode(partial(bitwise, weight_bits=2)),
    "bit-wise lean": Residual(partial(bitwise_lean, weight_bits=2)),
    "symmetric bit-wise lean": Symmetric(partial(bitwise_lean, weight_bits=2)),
    "bit-wise pre-defined": Residual(partial(bitwise, supports="ps4_p4")),
}


def network(step: Make, density: float = 1.0) -> nn.Module:
    torch.manual_seed(0)
    model = Skeleton(step, (8, 16, 16), steps=2)
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    counts = weight_counts(model)
    with torch.no_grad():
        for name, weight in prunable_weights(model).items():
            weight.copy_(project_l0(weight, int(density * counts[name])))
    return model.eval()


def scores(packed: PackedNetwork, images: Tensor) -> Tensor:
    unpacked = unpack(parse(packed.to_bytes()))
    assert unpacked.program is not None
    with torch.no_grad():
        result: Tensor = ProgramModule(unpacked.program, unpacked.values)(images)
    return result


@pytest.mark.parametrize("density", [1.0, 0.3])
@pytest.mark.parametrize("name", STEPS)
def test_a_file_computes_the_same_bits(name: str, density: float) -> None:
    model, images = network(STEPS[name], density), torch.randn(3, *IMAGES)
    with torch.no_grad():
        assert torch.equal(scores(packer_of(model, IMAGES).pack(model.state_dict()), images), model(images))


@pytest.mark.parametrize("name", [name for name in STEPS if "bit" not in name])
def test_a_file_of_integers_comes_close(name: str) -> None:
    model, images = network(STEPS[name], 0.5), torch.randn(3, *IMAGES)
    with torch.no_grad():
        expected = model(images)
    found = scores(packer_of(model, IMAGES).pack(model.state_dict(), value_type("int8")), images)
    assert (found - expected).abs().max() <= 0.05 * expected.abs().max()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_weights_of_few_bits_take_few_bits_in_the_file_and_in_the_memory(bits: int) -> None:
    model = network(Residual(partial(bitwise, weight_bits=bits)))
    storage = Storage(few_bits=few_bits(model))
    assert list(storage.few_bits.values()) == [bits] * 8
    for kind in ("float32", "int8"):
        packed = packer_of(model, IMAGES).pack(model.state_dict(), value_type(kind))
        for layer in packed.layers:
            is_narrow = layer.name in storage.few_bits
            assert (layer.value == f"levels{bits}") == is_narrow
            if is_narrow:
                assert layer.bytes <= 1.1 * layer.weights * bits / 8 + 24
    counts, others = weight_counts(model), other_values(model)
    narrow = sum(counts[name] for name in storage.few_bits)
    wide = sum(counts.values()) - narrow
    expected = narrow * bits // 8 + 3 * len(storage.few_bits) + 4 * (wide + others)
    assert storage.dense_bytes(counts, others) == expected
    assert storage.network(prunable_weights(model), others).bytes == expected


@pytest.mark.parametrize("density", [1.0, 0.4, 0.05, 0.001])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_a_file_in_the_papers_formats_takes_the_bytes_that_are_counted(bits: int, density: float) -> None:
    model = network(Residual(partial(bitwise, weight_bits=bits)), density)
    storage = Storage(few_bits=few_bits(model))
    packed = packer_of(model, IMAGES).pack(model.state_dict(), formats=storage.choices, codes_values=False)
    for layer in packed.layers:
        weight = model.get_parameter(f"{layer.name}.weight")
        assert layer.bytes == storage.layer(weight, layer.name).bytes
    assert packed.payload_bytes == storage.network(prunable_weights(model), other_values(model)).bytes


def test_a_pruned_layer_of_few_bits_is_stored_sparse() -> None:
    weight = torch.zeros(16, 16, 3, 3)
    weight.view(-1)[::10] = 1.0
    storage = Storage(few_bits={"conv": 2})
    nonzeros = int(weight.count_nonzero())
    found = storage.layer(weight, "conv")
    assert found.bytes < storage.layer(weight).bytes
    # Dense, a zero needs a value of its own; in a bitmask it does not.
    assert storage.value_bytes(weight.numel(), nonzeros, "conv") == weight.numel() * 3 // 8 + 3
    assert storage.value_bytes(nonzeros, nonzeros, "conv") == -(-nonzeros * 2 // 8) + 3


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_a_network_without_a_program_is_filled_with_its_levels(bits: int) -> None:
    def step(channels: int) -> nn.Module:
        return nn.Sequential(ImexStep(channels), bitwise(channels, weight_bits=bits))

    model, images = network(step, 0.6), torch.randn(3, *IMAGES)
    packed = packer_of(model, IMAGES).pack(model.state_dict())
    unpacked = unpack(parse(packed.to_bytes()))
    assert unpacked.program is None
    filled = deployed(network(step))
    filled.load_state_dict(unpacked.values, strict=False)
    with torch.no_grad():
        assert torch.equal(filled(images), model(images))


def test_an_unpacked_network_is_trained_on_from_the_levels_that_it_had() -> None:
    for bits in (1, 2, 4, 8):
        model, images = network(Residual(partial(bitwise, weight_bits=bits)), 0.7), torch.randn(3, *IMAGES)
        packed = packer_of(model, IMAGES).pack(model.state_dict())
        values = unpack(packed).values
        other = network(Residual(partial(bitwise, weight_bits=bits)))
        other.load_state_dict(values | trainable(packed, values), strict=False)
        with torch.no_grad():
            assert torch.equal(other(images), model(images))


class Louder(BitwiseConv2d):
    """A layer that does more than its class."""

    def forward(self, images: Tensor) -> Tensor:
        return 2 * super().forward(images)


def flat(layer: nn.Module) -> nn.Module:
    return nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


def test_of_a_layer_of_which_a_file_cannot_say_what_it_computes_floats_are_kept() -> None:
    torch.manual_seed(0)
    hooked, twice = bitwise(3), bitwise(3)
    hooked.register_forward_hook(lambda module, given, result: 2 * result)
    for layer in (Louder(3, 4, 3), hooked, nn.Sequential(twice, nn.BatchNorm2d(3), twice)):
        model = flat(layer)
        packer = packer_of(model, IMAGES)
        assert (packer.program, dict(packer.few_bits)) == (None, {})
        assert {layer.value for layer in packer.pack(model.state_dict()).layers} == {"float32"}


def test_what_is_no_prunable_layer_or_computed_of_a_weight_has_no_program() -> None:
    class Cloned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images: Tensor) -> Tensor:
            return nn.functional.conv2d(images, self.conv.weight.clone()).mean(dim=(2, 3))

    upwards = flat(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 4, 3, bias=False)))
    for model in (Cloned(), upwards):
        packer = packer_of(model, IMAGES)
        assert packer.program is None
        assert packer.layers == tuple(prunable_weights(model))


@pytest.mark.parametrize("value", ["levels4", "codebook16", "int4"])
def test_numbers_of_a_fine_tuning_belong_to_the_weights_that_they_were_fitted_to(value: str) -> None:
    torch.manual_seed(0)
    model, images = network(STEPS["full"], 0.5), torch.randn(3, *IMAGES)
    quantised = Quantised(value_type(value))
    weights = prunable_weights(model)
    quantised.begin_(weights, step=0, steps=1)
    packed = packer_of(model, IMAGES).pack(model.state_dict(), value_type(value), numbers=quantised.numbers)
    with torch.no_grad():
        expected = model(images)
    assert (scores(packed, images) - expected).abs().max() <= 5e-3 * expected.abs().max()
