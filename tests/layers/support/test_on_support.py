"""Which layers are taken over, and that nothing is left behind."""

import copy
from collections.abc import Iterator

import pytest
import torch
from layers.pruned import is_batch_last, prune_
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.layers.support import on_support, structures
from sparsecnn.models import cifar10_quick, prunable_weights
from sparsecnn.native import COMPILER_VARIABLE, library


def pruned_network() -> tuple[nn.Sequential, dict[str, Tensor]]:
    """cifar10_quick and its masks."""
    model = cifar10_quick()
    return model, {name: prune_(model.get_submodule(name), 0.1) for name in prunable_weights(model)}


class Mine(nn.Conv2d):
    """A subclass, which might compute anything."""


OTHERS: dict[str, nn.Module] = {
    "dense": nn.Conv2d(4, 4, 3),
    "groups": nn.Conv2d(4, 4, 3, groups=2),
    "same": nn.Conv2d(4, 4, 3, padding="same"),
    "circular": nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
    "subclass": Mine(4, 4, 3),
    "float64": nn.Conv2d(4, 4, 3).double(),
    "transposed": nn.ConvTranspose2d(4, 4, 3),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_kernels_cannot_do_is_left_to_torch(name: str) -> None:
    layer = copy.deepcopy(OTHERS[name])
    mask = prune_(layer, 1.0 if name == "dense" else 0.2)
    images = torch.randn(16, 4, 6, 6, dtype=next(layer.parameters()).dtype)
    reference = layer(images)
    with on_support(nn.Sequential(layer), {"0": mask}):
        output = layer(images)
    assert torch.equal(output, reference)
    assert not is_batch_last(output)


def test_inputs_that_the_kernels_cannot_take_are_left_to_torch() -> None:
    torch.manual_seed(0)
    layer, linear = nn.Conv2d(3, 8, 3), nn.Linear(10, 8)
    model, masks = nn.Sequential(layer, linear), {"0": prune_(layer, 0.2), "1": prune_(linear, 0.2)}
    with on_support(model, masks):
        assert layer(torch.randn(3, 5, 5)).shape == (8, 3, 3)
        assert layer(torch.randn(0, 3, 5, 5)).shape == (0, 8, 3, 3)
        assert linear(torch.randn(2, 4, 10)).shape == (2, 4, 8)
        assert linear(torch.randn(0, 10)).shape == (0, 8)
        with pytest.raises(RuntimeError, match="channels"):
            layer(torch.randn(2, 4, 5, 5))
        with pytest.raises(RuntimeError, match=r"[Kk]ernel size"):
            layer(torch.randn(2, 3, 2, 5))
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(torch.randn(2, 3, 5, 5)).dtype is torch.bfloat16
        assert is_batch_last(layer(torch.randn(2, 3, 9, 5)))


def test_a_weight_that_two_layers_share_is_on_its_support_in_both() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    model[2].weight = model[0].weight
    mask = prune_(model[0], 0.3)
    images = torch.randn(3, 4, 9, 9)
    exact = copy.deepcopy(model)
    exact(images).square().sum().backward()
    with on_support(model, {"0": mask}):
        model(images).square().sum().backward()
    torch.testing.assert_close(model[0].weight.grad, exact[0].weight.grad * mask, rtol=1e-4, atol=1e-5)


def test_the_model_is_as_before_after_an_error_too() -> None:
    model, masks = pruned_network()
    model.pool1.__dict__["forward"] = mine = lambda images: images[:, :, ::2, ::2]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    attributes = {name: set(vars(module)) for name, module in model.named_modules()}
    with pytest.raises(KeyError), on_support(model, masks):
        assert "forward" in vars(model.conv1)
        model(torch.randn(2, 3, 32, 32)).sum().backward()
        raise KeyError
    assert {name: set(vars(module)) for name, module in model.named_modules()} == attributes
    assert vars(model.pool1)["forward"] is mine
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_a_copy_made_inside_computes_with_its_own_weights() -> None:
    torch.manual_seed(0)
    model, masks = pruned_network()
    images = torch.randn(4, 3, 32, 32)
    with on_support(model, masks):
        before = model(images).detach()
        other = copy.deepcopy(model)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(2.0)
        other(images).sum().backward()
        assert torch.equal(other(images), before)
        assert model.conv1.weight.grad is None
        assert other.conv1.weight.grad is not None


def test_masks_need_a_weight_of_their_shape() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    for name, shape in [("0", (4, 3, 3, 2)), ("1", (4, 3, 3, 3)), ("2", (4, 3, 3, 3))]:
        with pytest.raises(ConfigError, match=f"the mask of {name}"), on_support(model, {name: torch.ones(shape)}):
            pass


def test_what_computes_the_same_every_time_is_not_warned_about() -> None:
    torch.manual_seed(0)
    model, masks = pruned_network()
    images, gradients = torch.randn(20, 3, 32, 32), []
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with on_support(model, masks):
            for _ in range(2):
                model.zero_grad()
                model(images).square().sum().backward()
                gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(one, two) for one, two in zip(*gradients, strict=True))


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without one."""
    monkeypatch.setenv(COMPILER_VARIABLE, "")
    library.cache_clear()
    structures.kernels.cache_clear()
    yield
    library.cache_clear()
    structures.kernels.cache_clear()


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_all_layers_stay_torchs() -> None:
    model, masks = pruned_network()
    with on_support(model, masks):
        assert not any("forward" in vars(module) for module in model.modules())
