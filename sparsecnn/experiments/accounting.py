"""What memory means in an experiment: the sum that the paper's formats give, or the bytes of a packed file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.models import other_values, prunable_weights
from sparsecnn.packing import Packer, unpack
from sparsecnn.programs import ProgramModule
from sparsecnn.storage import (
    LayerMemory,
    NetworkMemory,
    PackedNetwork,
    Storage,
    ValueType,
    value_type,
)

KINDS = ("paper", "packed", "packed_int8")


class Accounting(Protocol):
    """How the memory of networks is counted."""

    def network(self, model: nn.Module) -> tuple[NetworkMemory, nn.Module | None]:
        """The memory of `model`, and the module that computes with what is stored, or None for `model` itself."""

    def layer_bytes(self, name: str, weight: Tensor) -> int:
        """The bytes of the layer `name` with the weights `weight`."""


@dataclass(frozen=True)
class PaperAccounting:
    """Each layer in the cheapest of the formats of docs/memory.md; names and shapes are not counted."""

    storage: Storage

    def network(self, model: nn.Module) -> tuple[NetworkMemory, nn.Module | None]:
        """The sum of layers and dense values."""
        weights: Mapping[str, Tensor] = prunable_weights(model)
        return self.storage.network(weights, other_values(model)), None

    def layer_bytes(self, name: str, weight: Tensor) -> int:
        """Whole bytes in the cheapest format."""
        return self.storage.layer(weight, name).bytes


@dataclass(frozen=True)
class PackedAccounting:
    """The whole file that `sparsecnn pack` writes, header included, with values of type `kind`."""

    packer: Packer
    kind: ValueType

    def network(self, model: nn.Module) -> tuple[NetworkMemory, nn.Module | None]:
        """The file's layers, and all else that it holds; a quantised network is measured as the file has it."""
        network = self.packer.pack(dict(model.state_dict()), self.kind)
        module = None
        if not self.kind.is_lossless:
            unpacked = unpack(network)
            if unpacked.program is None:
                raise ConfigError(
                    "search.memory=packed_int8 is for networks that have a program (docs/packed-format.md)"
                )
            module = ProgramModule(unpacked.program, unpacked.values)
        return file_memory(network), module

    def layer_bytes(self, name: str, weight: Tensor) -> int:
        """The bytes of the packed layer."""
        return self.packer.layer(name, weight, self.kind).bytes


def file_memory(network: PackedNetwork) -> NetworkMemory:
    """The layers of a packed file, and all else that it holds, its header included."""
    layers = {
        layer.name: LayerMemory(layer.format, layer.bytes, layer.nonzeros, layer.weights) for layer in network.layers
    }
    return NetworkMemory(layers, len(network.to_bytes()) - sum(layer.bytes for layer in layers.values()))


def value_of(kind: str, storage: Storage) -> ValueType:
    """The type of values of packed files under `kind` of memory."""
    if kind == "packed_int8":
        return value_type("int8")
    return value_type("float32" if storage.value_bits == 32 else "float16")


def checked_kind(kind: str) -> str:
    """`kind`; ConfigError when it is none."""
    if kind not in KINDS:
        raise ConfigError(f"search.memory must be one of {', '.join(KINDS)}, got {kind}")
    return kind
