"""Weights in files."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sparsecnn.errors import DataError
from sparsecnn.models import load_weights_, save_weights, weights_bytes


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def test_weights_come_back_from_safetensors_bit_for_bit(tmp_path: Path) -> None:
    model = net().to(memory_format=torch.channels_last)
    save_weights(model, tmp_path / "a.safetensors")
    other = net()
    load_weights_(other, tmp_path / "a.safetensors")
    assert equal(model, other)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s}, lambda s: {"model": s, "epoch": 3}])
def test_state_dicts_are_read_however_they_are_wrapped(tmp_path: Path, wrap) -> None:  # type: ignore[no-untyped-def]
    model, other = net(), net()
    torch.save(wrap({f"module.{name}": value for name, value in model.state_dict().items()}), tmp_path / "a.pt")
    load_weights_(other, tmp_path / "a.pt")
    assert equal(model, other)


def test_shared_weights_are_stored_once_and_come_back(tmp_path: Path) -> None:
    def tied() -> nn.Sequential:
        model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
        model[1].weight = model[0].weight
        return model

    model, other = tied(), tied()
    save_weights(model, tmp_path / "a.safetensors")
    load_weights_(other, tmp_path / "a.safetensors")
    assert equal(model, other)
    assert other[0].weight is other[1].weight


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file of weights at .*none\.safetensors"):
        load_weights_(net(), tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
@pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
def test_a_corrupt_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="is no safetensors file and no weights_only state dict"):
        load_weights_(net(), tmp_path / name)


def test_a_pickled_module_is_not_run(tmp_path: Path) -> None:
    torch.save(net(), tmp_path / "a.pt")
    with pytest.raises(DataError, match="is no safetensors file and no weights_only state dict"):
        load_weights_(net(), tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("0.bias"), r"it lacks 0\.bias"),
        (lambda s: s.update(extra=torch.ones(1)), "it has unknown extra"),
        (lambda s: s.update({"0.weight": torch.ones(2, 1, 5, 5)}), r"0\.weight is \(2, 1, 5, 5\) instead of"),
        (lambda s: s["0.bias"].fill_(float("nan")), r"holds a value that is not finite in 0\.bias"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    state = net().state_dict()
    change(state)
    save_file(dict(state), tmp_path / "a.safetensors")
    with pytest.raises(DataError, match=message):
        load_weights_(net(), tmp_path / "a.safetensors")


def test_weights_that_two_layers_share_are_written_in_any_layout(tmp_path: Path) -> None:
    shared = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    model = nn.Sequential(shared, nn.ReLU(), shared).to(memory_format=torch.channels_last)
    save_weights(model, tmp_path / "a.safetensors")
    other = deepcopy(model)
    nn.init.zeros_(other[0].weight)
    load_weights_(other, tmp_path / "a.safetensors")
    assert equal(model, other)
    assert weights_bytes(model) == (tmp_path / "a.safetensors").read_bytes()
