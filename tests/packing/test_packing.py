"""Networks packed and unpacked."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparsecnn.data import Preprocessing
from sparsecnn.errors import ConfigError, DataError
from sparsecnn.models import ResNet, lenet, prunable_weights
from sparsecnn.operators import project_l0
from sparsecnn.packing import (
    Quantised,
    fold_batch_norm,
    outline_of,
    packer_of,
    pixels_note,
    preprocessing_of,
    unpack,
)
from sparsecnn.programs import ProgramModule, trace
from sparsecnn.runtime import sparse_network
from sparsecnn.storage import PackedNetwork, parse, value_type


def sparse(model: nn.Module, density: float = 0.1) -> nn.Module:
    """`model` with running statistics of its own and few weights."""
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    with torch.no_grad():
        for weight in prunable_weights(model).values():
            weight.copy_(project_l0(weight, int(density * weight.numel())))
    return model.eval()


def scores(network: PackedNetwork, images: Tensor) -> Tensor:
    unpacked = unpack(network)
    assert unpacked.program is not None
    with torch.no_grad():
        result: Tensor = ProgramModule(unpacked.program, unpacked.values)(images)
    return result


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return sparse(ResNet(8))


def test_float32_gives_the_same_bits_from_the_bytes_of_the_file(resnet: nn.Module) -> None:
    packer = packer_of(resnet, (3, 16, 16))
    network = parse(packer.pack(resnet.state_dict()).to_bytes())
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(scores(network, images), resnet(images))
    for name, value in unpack(network).values.items():
        assert torch.equal(value, resnet.state_dict()[name])


@pytest.mark.parametrize(("value", "tolerance"), [("float16", 2e-3), ("int8", 0.03), ("codebook255", 0.03)])
def test_other_types_fold_the_normalisation_and_come_close(resnet: nn.Module, value: str, tolerance: float) -> None:
    network = parse(packer_of(resnet, (3, 16, 16)).pack(resnet.state_dict(), value_type(value)).to_bytes())
    assert "batch_norm" not in network.notes["program"]
    assert network.others.dtype == np.dtype("<f2")
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        expected = resnet(images)
    assert (scores(network, images) - expected).abs().max() <= tolerance * expected.abs().max()


def test_the_header_is_small(resnet: nn.Module) -> None:
    for model, shape in ((resnet, (3, 16, 16)), (lenet(), (1, 28, 28))):
        network = packer_of(model, shape).pack(model.state_dict(), value_type("int8"))
        header = len(network.to_bytes()) - network.payload_bytes
        assert header <= 1024 + 100 * len(network.layers)


def test_folding_changes_the_scores_by_rounding_alone(resnet: nn.Module) -> None:
    program = trace(resnet, (3, 16, 16))
    values = dict(resnet.state_dict())
    folded = fold_batch_norm(program, values)
    assert len(folded.program.steps) == len(program.steps) - 7
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        expected = resnet(images)
        found = ProgramModule(folded.program, {**folded.others, **folded.scaled_weights(values)})(images)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


class SharedBeforeNorm(nn.Module):
    """A convolution whose result is read beside its normalisation, and one that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.twice = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

    def forward(self, images: Tensor) -> Tensor:
        features = self.first(images)
        features = self.norm1(features) + features
        return self.norm2(self.twice(self.twice(features))).mean((2, 3))


def test_a_normalisation_that_cannot_be_folded_stays() -> None:
    model = sparse(SharedBeforeNorm(), 0.9)
    network = packer_of(model, (1, 6, 6)).pack(model.state_dict(), value_type("float16"))
    assert network.notes["program"].count("batch_norm") == 2
    assert network.others.dtype == np.dtype("<f4")
    images = torch.randn(2, 1, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(scores(network, images), model(images), rtol=0.01, atol=0.01)


class NormalisedRows(nn.Module):
    """A linear layer along the rows of a map: its outputs are not the channels of the normalisation behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.norm = nn.Linear(5, 5), nn.BatchNorm2d(5)
        self.scores, self.last = nn.Linear(5, 5), nn.BatchNorm1d(5)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.last(self.scores(self.norm(self.rows(images)).mean((2, 3)).relu()))
        return found


def test_a_normalisation_behind_a_linear_layer_is_folded_for_features_alone() -> None:
    torch.manual_seed(0)
    model = sparse(NormalisedRows(), 1.0)
    network = packer_of(model, (5, 5, 5)).pack(model.state_dict(), value_type("float16"))
    assert network.notes["program"] == "linear rows b;batch_norm norm n5;mean;relu;linear scores b"
    images = torch.randn(2, 5, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(scores(network, images), model(images), rtol=0.01, atol=0.01)
        torch.testing.assert_close(sparse_network(network)(images), scores(network, images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["a b", "a;b"])
def test_names_that_a_file_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="a packed file cannot hold the name"):
        packer_of(nn.Sequential(OrderedDict({name: nn.Linear(4, 2)})), (4,))


def test_names_may_hold_any_other_letter() -> None:
    model = nn.Sequential(OrderedDict({"a\u00a0b\n+/": nn.Conv2d(1, 2, 2), "flat": nn.Flatten()}))
    network = parse(packer_of(model.eval(), (1, 3, 3)).pack(model.state_dict()).to_bytes())
    images = torch.randn(2, 1, 3, 3)
    with torch.no_grad():
        assert torch.equal(scores(network, images), model(images))


class Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.gain = nn.Linear(16, 3), nn.Parameter(torch.rand(2, 1))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layer(images.flatten(1)) * self.gain.sum()
        return scores


def test_a_network_without_a_program_keeps_its_values_by_name(caplog: pytest.LogCaptureFixture) -> None:
    model = Untraceable()
    network = parse(packer_of(model, (1, 4, 4)).pack(model.state_dict()).to_bytes())
    assert "the file will hold the weights without the network's program: " in caplog.text
    unpacked = unpack(network)
    assert unpacked.program is None
    assert unpacked.values.keys() == model.state_dict().keys()
    for name, value in unpacked.values.items():
        assert torch.equal(value, model.state_dict()[name])


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"program": "conv nothing b"}, "there is no layer nothing"),
        ({"program": "linear ip2 b;relu"}, "its dense values are 580, not 10"),
        ({"input": "1x2x2"}, "step 1, conv, does not fit"),
        ({"input": "1xx2"}, "'1xx2' is no shape"),
        ({"input": "999999999x1x1"}, "is no shape"),
    ],
)
def test_notes_that_do_not_fit_the_layers_are_refused(notes: dict[str, str], message: str) -> None:
    model = lenet()
    network = packer_of(model, (1, 28, 28)).pack(model.state_dict())
    changed = PackedNetwork(network.layers, network.others, {**network.notes, **notes})
    with pytest.raises(ValueError, match=message):
        outline_of(changed)
    with pytest.raises(DataError, match="the packed network is damaged: "):
        unpack(changed)


def test_a_note_of_pixels_gives_back_the_same_preparation() -> None:
    put = Preprocessing(torch.tensor([125.30691, 122.95039, 113.8654]).view(3, 1, 1), torch.rand(3, 1, 1) / 64)
    note = pixels_note(put)
    assert note is not None
    found = preprocessing_of(note)
    assert torch.equal(found.offset, put.offset)
    assert torch.equal(found.scale, put.scale)
    assert pixels_note(Preprocessing(torch.zeros(3, 8, 8), torch.ones(1, 1, 1))) is None
    assert pixels_note(lambda images: images) is None
    with pytest.raises(ValueError, match="its note of pixels cannot be read: '1,x 2'"):
        preprocessing_of("1,x 2")


def test_training_under_a_quantiser_moves_weights_along_its_grid_and_keeps_zeros() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(project_l0(torch.randn(8, 20), 60))
    zeros = weight == 0
    quantised = Quantised(value_type("int4"))
    quantised.begin_({"a": weight}, step=0, steps=50)
    scales = torch.from_numpy(quantised.numbers["a"])[:, None]
    start = weight.detach().clone()
    for step in range(1, 51):
        with torch.no_grad():
            weight -= 0.02  # as an optimizer would
        quantised.apply_({"a": weight}, step=step, steps=50, lr=0.1)
        steps = weight.detach() / scales
        torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-4)
    assert torch.all(weight[zeros] == 0)
    assert (weight.detach() - start)[~zeros].mean() < -0.3
