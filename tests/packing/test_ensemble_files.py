"""Several packed networks in one file."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparsecnn import load
from sparsecnn.errors import ConfigError
from sparsecnn.export import export_c
from sparsecnn.export.onnx_model import export_onnx
from sparsecnn.models import ResNet, prunable_weights, small_cnn
from sparsecnn.operators import project_l0
from sparsecnn.packing import joined, layer_table, packer_of, unpack
from sparsecnn.programs import ProgramModule
from sparsecnn.storage import PackedNetwork, parse, value_type


def module(network: PackedNetwork) -> nn.Module:
    unpacked = unpack(network)
    assert unpacked.program is not None
    return ProgramModule(unpacked.program, unpacked.values)


def scores_of(first: Tensor, second: Tensor) -> Tensor:
    """The log-probabilities of an ensemble of two networks that answer every image alike."""
    members = []
    for bias in (first, second):
        model = nn.Sequential(nn.Flatten(), nn.Linear(2, len(bias)))
        with torch.no_grad():
            model[1].weight.zero_()
            model[1].bias.copy_(bias)
        members.append(packer_of(model, (1, 1, 2)).pack(model.state_dict()))
    with torch.no_grad():
        found: Tensor = module(parse(joined(members).to_bytes()))(torch.randn(3, 1, 1, 2))
    return found


def test_the_scores_are_the_log_of_the_mean_of_the_probabilities() -> None:
    # 1/4 and 3/4; 1/2 and 1/2: the means are 3/8 and 5/8.
    found = scores_of(torch.tensor([0.0, math.log(3.0)]), torch.tensor([7.0, 7.0]))
    torch.testing.assert_close(found, torch.tensor([[3 / 8, 5 / 8]]).log().expand(3, 2))


def test_a_probability_too_small_for_a_float_has_a_log_all_the_same() -> None:
    found = scores_of(torch.tensor([0.0, 300.0]), torch.tensor([0.0, 200.0]))
    torch.testing.assert_close(found[0], torch.tensor([-200.0 - math.log(2.0), 0.0]))


@pytest.fixture
def members() -> list[nn.Module]:
    """Three sparse networks with normalisations, and a shortcut."""
    networks = []
    for seed, density in enumerate((0.1, 0.3, 1.0)):
        torch.manual_seed(seed)
        model = ResNet(8, in_channels=1, classes=4).eval()
        with torch.no_grad():
            for buffer in (buffer for buffer in model.buffers() if buffer.is_floating_point()):
                buffer.copy_(torch.rand_like(buffer) + 0.5)
            for weight in prunable_weights(model).values():
                weight.copy_(project_l0(weight, max(1, int(density * weight.numel()))))
        networks.append(model)
    return networks


@pytest.mark.parametrize("value", ["float32", "float16"])
def test_a_file_holds_its_networks_and_nothing_else(members: list[nn.Module], value: str, tmp_path: Path) -> None:
    packer = packer_of(members[0], (1, 8, 8), {"pixels": "1.0 0.5"})
    packed = [packer.pack(model.state_dict(), value_type(value)) for model in members]
    together = joined(packed)
    assert together.payload_bytes == sum(network.payload_bytes for network in packed)
    path = tmp_path / "three.safetensors"
    path.write_bytes(together.to_bytes())
    network = parse(path.read_bytes())
    assert network.notes["pixels"] == "1.0 0.5"
    assert layer_table(network).layer.tolist() == [f"{n}.{layer.name}" for n in range(3) for layer in packed[0].layers]
    values = unpack(network).values
    for place, member in enumerate(packed):
        for name, tensor in unpack(member).values.items():
            assert torch.equal(values[f"{place}.{name}"], tensor)
    images = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        expected = torch.stack([module(member)(images).softmax(1) for member in packed]).mean(0).log()
        torch.testing.assert_close(module(network)(images), expected)
        torch.testing.assert_close(load(path)(images), expected, rtol=1e-4, atol=1e-5)


def test_one_network_tells_its_own_log_probabilities(members: list[nn.Module]) -> None:
    network = joined([packer_of(members[0], (1, 8, 8)).pack(members[0].state_dict())])
    images = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(module(network)(images), members[0](images).log_softmax(1))


def test_other_values_of_two_widths_are_kept_in_the_wider_one() -> None:
    model = small_cnn(1, 8, 4)
    packed = packer_of(model, (1, 8, 8)).pack(model.state_dict())
    narrow = replace(packed, others=packed.others.astype("<f2"))
    assert joined([narrow, narrow]).others.dtype == np.dtype("<f2")
    assert parse(joined([narrow, packed]).to_bytes()).others.dtype == np.dtype("<f4")


def test_exports_refuse_an_ensemble_in_one_line() -> None:
    model = small_cnn(1, 8, 4)
    network = joined([packer_of(model, (1, 8, 8)).pack(model.state_dict())] * 2)
    with pytest.raises(ConfigError, match=r"step \d+, log_mean_softmax, cannot be exported: C has no such operation"):
        export_c(network, "net")
    with pytest.raises(ConfigError, match=r"log_mean_softmax, cannot be exported: ONNX has no such operation"):
        export_onnx(network, sparse=False)
