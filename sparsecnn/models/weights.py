"""Weights of networks in files: written whole, read without running code."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_model
from torch import Tensor, nn

from sparsecnn.digests import file_digest
from sparsecnn.errors import DataError, SparsecnnError
from sparsecnn.whole_files import replacing


@dataclass(frozen=True)
class WeightsFile:
    """The content of a safetensors file, and the name of the file for messages."""

    name: str
    content: bytes

    @classmethod
    def read(cls, path: Path) -> "WeightsFile":
        """The file at `path`; DataError when there is none."""
        _require_file(path)
        return cls(str(path), path.read_bytes())

    def fill_(self, model: nn.Module) -> None:
        """Fills `model`; DataError as in `load_weights_`."""
        try:
            state = load(self.content)
        except SafetensorError as error:
            raise DataError(f"{self.name} is no safetensors file") from error
        _fill_(model, state, self.name)


def weights_bytes(model: nn.Module) -> bytes:
    """The content of the file that `save_weights` would write."""
    with TemporaryDirectory() as folder:  # safetensors finds shared tensors only on the way to a file
        path = Path(folder) / "weights"
        save_model(_contiguous(model), str(path))
        return path.read_bytes()


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes every parameter and buffer of `model` as safetensors; the file is there whole or not at all."""
    try:
        with replacing(path) as part:
            save_model(_contiguous(model), str(part))
    except (OSError, SafetensorError) as error:
        raise SparsecnnError(f"{path} cannot be written: {error}") from error


def _contiguous(model: nn.Module) -> nn.Module:
    """A copy in PyTorch's own layout: safetensors finds shared tensors in no other."""
    copy: nn.Module = deepcopy(model).to(memory_format=torch.contiguous_format)
    return copy


def load_weights_(model: nn.Module, path: Path) -> None:
    """Fills `model` from a safetensors file or a `weights_only` PyTorch state dict, on whatever device it is.

    A state dict inside {"state_dict": ...} or {"model": ...} and the prefix "module." are understood. A missing or
    corrupt file, and tensors that do not fit the network, raise DataError.
    """
    _fill_(model, read_tensors(path), str(path))


def fill_(model: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Fills `model` from tensors by name; counters of steps may be missing. DataError for tensors that do not fit."""
    counters = {name: value for name, value in model.state_dict().items() if not value.is_floating_point()}
    _fill_(model, {**counters, **values}, "the file")


def _fill_(model: nn.Module, state: Mapping[str, Tensor], path: str) -> None:
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in state and not _is_shared(model, name, state)]
    extra = [name for name in state if name not in wanted]
    if missing or extra:
        parts = [f"lacks {name}" for name in missing[:1]] + [f"has unknown {name}" for name in extra[:1]]
        raise DataError(f"{path} does not fit the model: it {' and '.join(parts)}")
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(tensor.shape)} instead of {tuple(wanted[name].shape)}"
            raise DataError(f"{path} does not fit the model: {name} is {shapes}")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DataError(f"{path} holds a value that is not finite in {name}")
    model.load_state_dict(dict(state), strict=False)


def weights_digest(path: Path) -> str:
    """A name for the content of a file of weights; DataError when there is none."""
    _require_file(path)
    return file_digest(path)


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"there is no file of weights at {path}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file or a `weights_only` state dict; DataError as in `load_weights_`."""
    _require_file(path)
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _read_state_dict(path)
    except Exception as error:  # what a damaged pickle raises has no common class
        raise DataError(f"{path} is no safetensors file and no weights_only state dict") from error
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _read_state_dict(path: Path) -> dict[str, Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError("not a state dict")
    return state


def _is_shared(model: nn.Module, name: str, state: Mapping[str, Tensor]) -> bool:
    """Whether `name` is another name of a tensor that the file does hold: safetensors keeps shared tensors once."""
    tensors = model.state_dict(keep_vars=True)
    return any(tensors[other] is tensors[name] for other in state if other in tensors)
