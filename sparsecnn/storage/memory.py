"""The memory of layers and networks under the cheapest formats."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.storage.bits import packed_size
from sparsecnn.storage.format import BYTE, Format
from sparsecnn.storage.formats import PAPER_FORMATS
from sparsecnn.storage.masks import Geometry, Mask
from sparsecnn.storage.quantisers import table_bytes

VALUE_TYPES: dict[int, np.dtype[np.floating]] = {32: np.dtype("<f4"), 16: np.dtype("<f2")}
FORMAT_SETS = ("all", "index_only")
# Formats with a bit for each of many positions, zero or not.
BIT_A_POSITION = ("bitmask", "periodic")


@dataclass(frozen=True)
class LayerMemory:
    """One layer in its cheapest format."""

    format: str
    bytes: int
    nonzeros: int
    weights: int


@dataclass(frozen=True)
class NetworkMemory:
    """A network, each prunable layer in its cheapest format; `other_bytes` are biases and normalisation, dense."""

    layers: Mapping[str, LayerMemory]
    other_bytes: int

    @property
    def bytes(self) -> int:
        """The sum that the results table reports as `memory_bytes`."""
        return self.other_bytes + sum(layer.bytes for layer in self.layers.values())

    @property
    def nonzeros(self) -> int:
        """Nonzero prunable weights."""
        return sum(layer.nonzeros for layer in self.layers.values())

    @property
    def weights(self) -> int:
        """Prunable weights, zero or not."""
        return sum(layer.weights for layer in self.layers.values())


@dataclass(frozen=True)
class Storage:
    """How networks are stored: the width of a value in bits (32 or 16) and which formats may win.

    `few_bits` names the layers whose values lie on 2^bits levels, none of which is zero: there a nonzero takes so many
    bits, one more where zeros are stored among the values, and the layer three bytes for its scale. `formats` is "all"
    or "index_only", which leaves out those with a bit a position: they make almost every sparse layer beat the dense
    format, and whether the paper's appendix knew them could not be established.
    """

    value_bits: int = 32
    formats: str = "all"
    few_bits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.value_bits not in VALUE_TYPES:
            raise ConfigError(f"storage.value_bits must be one of {sorted(VALUE_TYPES)}, got {self.value_bits}")
        if self.formats not in FORMAT_SETS:
            raise ConfigError(f"storage.formats must be one of {', '.join(FORMAT_SETS)}, got {self.formats}")

    @property
    def choices(self) -> tuple[Format, ...]:
        """The formats that may win, dense first: the earlier one wins a tie."""
        forms = PAPER_FORMATS.values()
        return tuple(form for form in forms if self.formats == "all" or form.name not in BIT_A_POSITION)

    def layer(self, weight: Tensor, name: str = "") -> LayerMemory:
        """The cheapest format of one weight tensor and the whole bytes it takes."""
        geometry = Geometry.of(tuple(weight.shape))
        mask = Mask.of(as_matrix(weight, VALUE_TYPES[self.value_bits]), geometry)
        sizes = {form.name: self._bytes(form, mask, name) for form in self.choices}
        cheapest = min(sizes, key=sizes.__getitem__)
        return LayerMemory(cheapest, sizes[cheapest], mask.nonzeros, geometry.size)

    def bytes_in(self, form: Format, weight: Tensor, name: str = "") -> int:
        """The whole bytes of one weight tensor in `form`, whether or not that is the cheapest."""
        mask = Mask.of(as_matrix(weight, VALUE_TYPES[self.value_bits]), Geometry.of(tuple(weight.shape)))
        return self._bytes(form, mask, name)

    def _bytes(self, form: Format, mask: Mask, name: str) -> int:
        size = form.size(mask)
        return size.position_bytes + self.value_bytes(size.entries, mask.nonzeros, name)

    def value_bytes(self, entries: int, nonzeros: int, name: str = "") -> int:
        """The whole bytes of so many values of the layer `name`, of which so many are not zero."""
        if name not in self.few_bits:
            return entries * self.value_bits // BYTE
        width = self.few_bits[name] + (entries > nonzeros)
        return packed_size(entries, width) + (table_bytes(1) if nonzeros else 0)

    def network(self, prunable: Mapping[str, Tensor], other_values: int) -> NetworkMemory:
        """The memory of a network with these prunable weights and this many other values (biases, normalisation)."""
        layers = {name: self.layer(weight, name) for name, weight in prunable.items()}
        return NetworkMemory(layers, other_values * self.value_bits // BYTE)

    def dense_bytes(self, weights: Mapping[str, int], other_values: int) -> int:
        """The bytes of the same network with nothing left out; `weights` says how many each layer has."""
        layers = sum(self.value_bytes(count, count, name) for name, count in weights.items())
        return layers + other_values * self.value_bits // BYTE

    def round_(self, values: Iterable[Tensor]) -> None:
        """Rounds tensors in place to what is stored of them; DivergedError for a value that 16 bits do not hold."""
        if self.value_bits == 32:
            return
        with torch.no_grad():
            for value in values:
                stored = value.to(torch.float16)
                if not bool(torch.isfinite(stored).all()):
                    raise DivergedError(f"a value of {float(value.abs().max()):.4g} cannot be stored in 16 bits")
                value.copy_(stored)


def as_matrix(weight: Tensor, value_type: np.dtype[np.floating] = VALUE_TYPES[32]) -> NDArray[np.floating]:
    """`weight` [out, in, ...] as an array [out, in * kernel sides] of `value_type`; a copy."""
    rows = weight.shape[0] if weight.dim() > 1 else 1
    matrix = weight.detach().cpu().contiguous().reshape(rows, -1).numpy()
    return np.ascontiguousarray(matrix, dtype=value_type)
