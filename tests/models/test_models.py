"""Networks: shapes, sizes, Caffe's details."""

import math
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from sparsecnn.errors import ConfigError, SparsecnnError
from sparsecnn.models import (
    ResNet,
    build_model,
    caffenet,
    cifar10_full,
    cifar10_quick,
    lenet,
    other_values,
    prunable_weights,
    save_weights,
    small_cnn,
)
from sparsecnn.models.caffe import WithinChannelNorm, pooled


def sizes(model: nn.Module) -> dict[str, int]:
    return {name: weight.numel() for name, weight in prunable_weights(model).items()}


def test_the_layers_of_caffes_networks_have_caffes_sizes() -> None:
    assert sizes(lenet()) == {"conv1": 500, "conv2": 25_000, "ip1": 400_000, "ip2": 5_000}
    quick = {"conv1": 2_400, "conv2": 25_600, "conv3": 51_200, "ip1": 65_536, "ip2": 640}
    assert sizes(cifar10_quick()) == quick
    assert sizes(cifar10_full()) == {"conv1": 2_400, "conv2": 25_600, "conv3": 51_200, "ip1": 10_240}
    with torch.device("meta"):
        assert sizes(caffenet()) == {
            "conv1": 34_848,
            "conv2": 307_200,
            "conv3": 884_736,
            "conv4": 663_552,
            "conv5": 442_368,
            "fc6": 37_748_736,
            "fc7": 16_777_216,
            "fc8": 4_096_000,
        }


def test_no_relu_stands_behind_ip1_of_cifar10_quick_or_a_convolution_of_lenet() -> None:
    names = [name for name, _ in cifar10_quick().named_children()]
    assert names[names.index("ip1") + 1] == "ip2"
    kinds = [type(module) for module in lenet()]
    assert kinds.count(nn.ReLU) == 1
    assert kinds.index(nn.ReLU) == kinds.index(nn.Linear) + 1


def test_pooling_rounds_up_as_caffes_does() -> None:
    assert [pooled(32), pooled(16), pooled(8)] == [16, 8, 4]
    assert pooled(24, 2) == 12
    maps = torch.randn(1, 3, 32, 32)
    assert cifar10_quick()[:2](maps).shape == (1, 32, 16, 16)


def test_average_pooling_divides_by_the_clipped_window() -> None:
    pool = cifar10_quick().get_submodule("pool2")
    assert torch.equal(pool(torch.ones(1, 1, 16, 16)), torch.ones(1, 1, 8, 8))


@pytest.mark.parametrize(("name", "std"), [("conv1", 1e-4), ("conv2", 0.01), ("conv3", 0.01), ("ip1", 0.1)])
def test_quick_starts_from_caffes_gaussians(name: str, std: float) -> None:
    torch.manual_seed(0)
    layer = cifar10_quick().get_submodule(name)
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert layer.bias is not None
    assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
    assert not layer.bias.any()


def test_lenet_starts_from_caffes_xavier() -> None:
    torch.manual_seed(0)
    weight = lenet().get_submodule("ip1").weight
    assert isinstance(weight, Tensor)
    limit = math.sqrt(3 / 800)
    assert weight.abs().max().item() == pytest.approx(limit, rel=0.01)
    assert weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.01)


def test_caffenet_biases_are_caffes() -> None:
    model = caffenet(image_size=67)
    ones = {
        name for name, parameter in model.named_parameters() if name.endswith("bias") and bool((parameter == 1).all())
    }
    assert ones == {"conv2.bias", "conv4.bias", "conv5.bias", "fc6.bias", "fc7.bias"}
    assert model(torch.randn(2, 3, 67, 67)).shape == (2, 1000)


def test_normalisation_within_a_channel_follows_its_formula() -> None:
    images = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    out = WithinChannelNorm(size=3, alpha=0.5, beta=0.75)(images)
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    for channel, row, column in ((0, 0, 0), (1, 2, 3), (0, 4, 4)):
        window = padded[0, channel, row : row + 3, column : column + 3]
        expected = images[0, channel, row, column] / (1 + 0.5 * window.square().sum() / 9) ** 0.75
        assert out[0, channel, row, column].item() == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ("depth", "weights", "parameters"),
    [(20, 268_336, 269_722), (32, 461_872, 464_154), (44, 655_408, 658_586), (56, 848_944, 853_018)],
)
def test_residual_networks_have_the_sizes_of_their_paper(depth: int, weights: int, parameters: int) -> None:
    model = ResNet(depth)
    assert sum(sizes(model).values()) == weights
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert len(sizes(model)) == depth


def test_the_shortcut_takes_every_other_pixel_and_adds_empty_channels() -> None:
    block = ResNet(8).get_submodule("stage2.0")
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    images = torch.rand(1, 16, 4, 4)
    out = block.eval()(images)
    assert torch.equal(out[:, 8:24], images[:, :, ::2, ::2])
    assert not out[:, :8].any()
    assert not out[:, 24:].any()


@pytest.mark.parametrize("depth", [2, 19, 21])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be 6n \\+ 2 with n at least 1, got {depth}"):
        ResNet(depth)


@pytest.mark.parametrize("build", [lenet, cifar10_quick, cifar10_full, small_cnn])
def test_sequential_networks_fit_images_of_other_sizes(build) -> None:  # type: ignore[no-untyped-def]
    assert build(in_channels=2, image_size=20, classes=7)(torch.randn(3, 2, 20, 20)).shape == (3, 7)


def test_prunable_layers_are_found_in_torchvisions_networks() -> None:
    model = torchvision.models.resnet18(num_classes=10)
    found = sizes(model)
    assert len(found) == 21
    assert sum(found.values()) + other_values(model) == sum(p.numel() for p in model.parameters()) + 2 * 4800


def test_weights_that_cannot_be_written_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").mkdir()
    with pytest.raises(SparsecnnError, match=r"net\.safetensors cannot be written: "):
        save_weights(nn.Linear(2, 2), tmp_path / "net.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_shared_weight_is_found_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    assert sizes(model) == {"0": 16}
    assert other_values(model) == 8


def test_a_network_without_a_prunable_layer_is_refused() -> None:
    with pytest.raises(ConfigError, match="ReLU has no prunable layer"):
        prunable_weights(nn.ReLU())


def test_a_builder_is_told_of_the_data_what_it_asks_for() -> None:
    model = build_model(small_cnn, image_shape=(3, 12, 12), classes=4)
    assert sizes(model)["conv1"] == 16 * 3 * 9
    assert model(torch.zeros(1, 3, 12, 12)).shape == (1, 4)
    resnet = build_model(torchvision.models.resnet18, image_shape=(3, 32, 32), classes=5)
    assert resnet(torch.zeros(2, 3, 32, 32)).shape == (2, 5)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda: nn.Flatten(), "the model must return [N, 3] class scores, got (2, 64) for N = 2"),
        (lambda: nn.Linear(8, 3), "the model must return [N, 3] class scores, got (2, 1, 8, 3) for N = 2"),
        (lambda: "net", "model._target_ must give a torch.nn.Module, got str"),
        (lambda depth: nn.Linear(8, 3), "the model cannot be built: "),
        (lambda: nn.Conv2d(3, 3, 1), "the model does not take images of 1x8x8: "),
        (lambda: {}["missing"], "the model cannot be built: 'missing'"),
        (lambda: small_cnn(1, 8, 3).half(), "the model's parameters must be float32, conv1.weight is torch.float16"),
    ],
)
def test_a_network_that_does_not_fit_the_data_is_refused(factory, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError) as error:
        build_model(factory, image_shape=(1, 8, 8), classes=3)
    assert str(error.value).startswith(message)
