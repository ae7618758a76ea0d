"""Layers on their support compute what torch computes."""

import copy
import ctypes
import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from layers.pruned import LAYOUTS, is_batch_last, prune_
from torch import Tensor, nn

from sparsecnn.layers.support import convolution, on_support, structures
from sparsecnn.models import ResNet, cifar10_quick, lenet, prunable_weights
from sparsecnn.native import command

UNIT: Any = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
CONVOLUTIONS: dict[str, tuple[Callable[[], nn.Conv2d], tuple[int, int]]] = {
    "padded": (lambda: nn.Conv2d(3, 9, 5, padding=2), (12, 9)),
    "bare": (lambda: nn.Conv2d(5, 4, 3, bias=False), (7, 5)),
    "strided": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1), (11, 8)),
    "uneven": (lambda: nn.Conv2d(4, 6, (3, 2), stride=(1, 3), padding=(0, 2), dilation=(2, 1)), (11, 8)),
    "sparing": (lambda: nn.Conv2d(4, 6, 1, stride=3), (7, 8)),
    "spread": (lambda: nn.Conv2d(2, 3, 3, stride=2, padding=4, dilation=3), (6, 13)),
    "tiny": (lambda: nn.Conv2d(70, 30, 3, stride=4, padding=1), (2, 1)),
    "wide": (lambda: nn.Conv2d(70, 8, 3, padding=1), (6, 21)),
}


@pytest.fixture(scope="module")
def base_kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SimpleNamespace]:
    """Without AVX2, with the vectors and tiles of this processor and of another."""
    variants = {}
    for name, defines in {"base": [], "as with NEON": ["-D__aarch64__"]}.items():
        path = tmp_path_factory.mktemp("kernels") / "kernels.so"
        subprocess.run([*command("cc", structures.SOURCES, path), *defines], check=True)
        built = ctypes.CDLL(str(path))
        variants[name] = SimpleNamespace(gather=built.gather_base, correlate=built.correlate_base)
    return variants


@pytest.fixture(params=["this processor's", "base", "as with NEON"])
def kernels(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, base_kernels: dict[str, SimpleNamespace]
) -> None:
    """All variants of the kernels."""
    usual, other = structures.kernels(), base_kernels.get(request.param)
    assert usual is not None
    if other is not None:
        other.gather.argtypes, other.correlate.argtypes = usual.gather.argtypes, usual.correlate.argtypes
        monkeypatch.setattr(convolution, "kernels", lambda: other)


def expected(layer: nn.Module, images: Tensor, mask: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    """By torch, in float64."""
    exact = copy.deepcopy(layer).double()
    inputs = images.detach().double().requires_grad_()
    output = exact(inputs)
    output.backward(gradient.double())
    found = {"output": output.detach(), "input": inputs.grad, **{n: p.grad for n, p in exact.named_parameters()}}
    found["weight"] = found["weight"] * mask
    return found


def computed(layer: nn.Module, images: Tensor, mask: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    """On the support."""
    inputs = images.detach().requires_grad_()
    with on_support(nn.Sequential(layer), {"0": mask}):
        output = layer(inputs)
    output.backward(gradient)
    found = {"output": output.detach(), "input": inputs.grad, **{n: p.grad for n, p in layer.named_parameters()}}
    layer.zero_grad()
    return found


def assert_equal(found: dict[str, Tensor], exact: dict[str, Tensor]) -> None:
    assert found.keys() == exact.keys()
    for name, reference in exact.items():
        tolerance = 1e-6 * float(reference.abs().max())
        torch.testing.assert_close(found[name].double(), reference, rtol=1e-4, atol=tolerance, msg=name)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("density", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_and_its_gradients_are_torchs(name: str, layout: str, density: float) -> None:
    torch.manual_seed(0)
    build, size = CONVOLUTIONS[name]
    layer = build()
    if layout == "channels last":
        layer = layer.to(memory_format=torch.channels_last)
    mask = prune_(layer, density)
    for count in (1, 16, 37):
        images = LAYOUTS[layout](torch.randn(count, layer.in_channels, *size))
        gradient = LAYOUTS[layout](torch.randn_like(layer(images)))
        found = computed(layer, images, mask, gradient)
        assert is_batch_last(found["output"])
        assert_equal(found, expected(layer, images, mask, gradient))
        assert not found["weight"][mask == 0].any()


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("count", [1, 15, 16, 64, 100])
@pytest.mark.parametrize("density", [0.0, 0.1, 0.3])
def test_a_linear_layer_and_its_gradients_are_torchs(count: int, density: float) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(211, 13)
    mask = prune_(layer, density)
    for features in (torch.randn(count, 211), torch.randn(211, count).t()):
        gradient = torch.randn(count, 13)
        found = computed(layer, features, mask, gradient)
        assert_equal(found, expected(layer, features, mask, gradient))
        assert not found["weight"][mask == 0].any()


@pytest.mark.parametrize("build", [lambda: nn.Conv2d(2, 3, 3), lambda: nn.Linear(8, 3)])
def test_what_a_layer_gives_may_be_changed_in_place(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    layer = build()
    mask = prune_(layer, 0.3)
    images = torch.randn(5, 2, 8, 8) if isinstance(layer, nn.Conv2d) else torch.randn(5, 8)
    gradients = []
    for inplace in (False, True):
        inputs = images.clone().requires_grad_()
        net = nn.Sequential(layer, nn.ReLU(inplace=inplace))
        with on_support(net, {"0": mask}):
            net(inputs).square().sum().backward()
        assert inputs.grad is not None
        gradients.append(inputs.grad)
    assert gradients[0].any()
    assert torch.equal(*gradients)


def test_the_first_layer_computes_no_gradient_of_its_input() -> None:
    layer, support = nn.Conv2d(3, 4, 3), convolution.FixedSupport(torch.ones(4, 3, 3, 3), **UNIT)
    images = torch.randn(2, 3, 8, 8)
    convolution.Convolve.apply(images, layer.weight, layer.bias, support).sum().backward()
    assert support.plan is not None and "backward" not in vars(support.plan)
    assert layer.weight.grad is not None
    convolution.Convolve.apply(images.requires_grad_(), layer.weight, layer.bias, support).sum().backward()
    assert "backward" in vars(support.plan)


def trained(model: nn.Module, masks: dict[str, Tensor], batches: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The state after one step a batch; gradients off the support have no effect."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
    for images, labels in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        with torch.no_grad():
            for name, weight in prunable_weights(model).items():
                weight.mul_(masks[name])
    return model.state_dict()


@pytest.mark.parametrize(
    "build", [cifar10_quick, lambda: lenet(3, 32), lambda: ResNet(8)], ids=["quick", "lenet", "resnet"]
)
def test_training_goes_as_it_does_in_torch(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    model = build().to(memory_format=torch.channels_last)
    masks = {name: prune_(model.get_submodule(name), 0.2) for name in prunable_weights(model)}
    batches = [(torch.randn(24, 3, 32, 32), torch.randint(10, (24,))) for _ in range(3)]
    reference = trained(copy.deepcopy(model), masks, batches)
    start = flat(model.state_dict())
    with on_support(model, masks):
        state = trained(model, masks, batches)
    assert [(name, value.stride()) for name, value in state.items()] == [
        (name, value.stride()) for name, value in reference.items()
    ]
    # Not element by element: where a sum is all but zero, rounding decides what its ReLU passes.
    assert (flat(state) - flat(reference)).norm() < 0.01 * (flat(reference) - start).norm()


def flat(state: dict[str, Tensor]) -> Tensor:
    """All numbers of a network in a row."""
    return torch.cat([value.double().flatten() for value in state.values()])


@pytest.mark.parametrize(
    "layer",
    [
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.MaxPool2d(2, padding=1, dilation=2),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(2, padding=1, count_include_pad=False),
        nn.BatchNorm2d(6),
        nn.BatchNorm2d(6).eval(),
    ],
    ids=str,
)
def test_pooling_and_normalisation_keep_the_order_and_the_numbers(layer: nn.Module) -> None:
    torch.manual_seed(0)
    images = torch.randn(5, 6, 9, 7, requires_grad=True)
    turned = LAYOUTS["batch last"](images.detach()).requires_grad_()
    other = copy.deepcopy(layer)
    with on_support(nn.Sequential(layer), {}):
        output = layer(turned)
        assert torch.equal(layer(images.detach()), copy.deepcopy(other)(images.detach()))
    reference = other(images)
    other(images)
    gradient = torch.randn_like(reference)
    reference.backward(gradient)
    output.backward(gradient)
    assert is_batch_last(output)
    torch.testing.assert_close(output, reference)
    torch.testing.assert_close(turned.grad, images.grad)
    torch.testing.assert_close(layer.state_dict(), other.state_dict())
