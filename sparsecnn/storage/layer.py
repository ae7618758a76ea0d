"""One layer packed: the cheapest way to say where its values belong and what they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import DivergedError
from sparsecnn.storage.bits import packed_size
from sparsecnn.storage.coded_values import (
    decode_entropy,
    decode_raw,
    encode_entropy,
    encode_raw,
    is_allowed,
    require_raw_size,
)
from sparsecnn.storage.format import Format, require
from sparsecnn.storage.formats import FORMATS
from sparsecnn.storage.masks import MOST_WEIGHTS, Geometry, Mask, Positions
from sparsecnn.storage.quantisers import from_table, row_blocks, table_bytes, to_table
from sparsecnn.storage.value_types import Codes, ValueType, value_type


@dataclass(frozen=True)
class PackedLayer:
    """A weight of `shape` in a storage format; `is_coded` tells whether its values are entropy-coded.

    `entries` values are stored, which are more than the nonzeros in the dense and relative formats.
    """

    name: str
    shape: tuple[int, ...]
    format: str
    value: str
    is_coded: bool
    nonzeros: int
    entries: int
    table: bytes
    positions: bytes
    values: bytes

    @property
    def bytes(self) -> int:
        """What the layer takes in the file."""
        return len(self.table) + len(self.positions) + len(self.values)

    @property
    def weights(self) -> int:
        """The weights, zero or not."""
        return prod(self.shape)

    @property
    def position_bound_bits(self) -> float:
        """log2 C(N, z): the bits that a code of the positions needs which knows their number alone."""
        return Mask(Geometry.of(self.shape), np.empty(self.nonzeros, np.int32)).entropy_bits


@dataclass(frozen=True)
class SparseWeight:
    """A weight as values at ascending flat positions; all others are zero."""

    shape: tuple[int, ...]
    positions: Positions
    values: NDArray[np.float32]

    def dense(self) -> NDArray[np.float32]:
        """The weight as an array of its shape."""
        weight = np.zeros(prod(self.shape), np.float32)
        weight[self.positions] = self.values
        return weight.reshape(self.shape)


def pack_layer(
    name: str,
    weight: NDArray[np.float32],
    kind: ValueType,
    *,
    formats: Iterable[Format],
    codes_values: bool = True,
    numbers: NDArray[np.float32] | None = None,
) -> PackedLayer:
    """`weight` in the cheapest of `formats`; of equal ones the first.

    `codes_values` allows entropy-coded values; `numbers` are scales or a codebook instead of those that fit best.
    """
    geometry = Geometry.of(weight.shape)
    if geometry.size > MOST_WEIGHTS:
        raise ValueError(f"{name} has {geometry.size} weights, more than {MOST_WEIGHTS}")
    matrix = np.ascontiguousarray(weight, np.float32).reshape(geometry.rows, -1)
    table, stored = _table(name, kind, kind.fit(matrix) if numbers is None else numbers)
    codes = _codes(matrix, kind, stored)
    mask = Mask.of(codes, geometry)
    codes = codes if mask.nonzeros == geometry.size else codes[mask.positions]
    coded = _coded(codes, mask, kind) if codes_values else None
    best = min((_option(form, mask, kind, coded) for form in formats), key=lambda option: option.bytes)
    positions, entries = best.form.encode(mask), best.form.entries(mask)
    values = coded if best.is_coded and coded is not None else _raw(codes, mask, entries, kind)
    return PackedLayer(
        name,
        tuple(weight.shape),
        best.form.name,
        kind.name,
        best.is_coded,
        mask.nonzeros,
        len(entries),
        table if mask.nonzeros else b"",
        positions,
        values,
    )


def _table(name: str, kind: ValueType, numbers: NDArray[np.float32]) -> tuple[bytes, NDArray[np.float32]]:
    """Scales or a codebook as bytes, and what these say; DivergedError for a scale that would become zero."""
    table = to_table(numbers)
    stored = from_table(table)
    if kind.has_row_scales and bool(((numbers > 0) & (stored == 0)).any()):
        raise DivergedError(f"the weights of {name} range too far for {kind.name}: some outputs would become zero")
    return table, stored


def _coded(codes: Codes, mask: Mask, kind: ValueType) -> bytes | None:
    """The codes of the nonzeros, entropy-coded, unless a reader would refuse that."""
    coded = encode_entropy(mask, codes, kind)
    return coded if is_allowed(mask.geometry, mask.nonzeros, len(coded)) else None


def _raw(codes: Codes, mask: Mask, entries: Positions, kind: ValueType) -> bytes:
    """The codes at the entries, one behind the other."""
    return encode_raw(_at_entries(codes, mask, entries), kind, has_zeros=len(entries) > mask.nonzeros)


def _at_entries(codes: Codes, mask: Mask, entries: Positions) -> Codes:
    """The codes of the nonzeros of `mask`, and zeros at the entries that are none."""
    if len(entries) == mask.nonzeros:
        return codes
    found = np.zeros(len(entries), np.uint32)
    found[np.searchsorted(entries, mask.positions)] = codes
    return found


def _codes(matrix: NDArray[np.float32], kind: ValueType, numbers: NDArray[np.float32]) -> Codes:
    codes = np.empty(matrix.shape, np.uint32)
    for rows in row_blocks(matrix.shape):
        codes[rows] = kind.encode(matrix[rows], numbers[rows] if kind.has_row_scales else numbers)
    return codes.reshape(-1)


@dataclass(frozen=True)
class _Option:
    form: Format
    bytes: int
    is_coded: bool


def _option(form: Format, mask: Mask, kind: ValueType, coded: bytes | None) -> _Option:
    size = form.size(mask)
    raw = packed_size(size.entries, kind.raw_width(has_zeros=size.entries > mask.nonzeros))
    if coded is not None and size.entries == mask.nonzeros and len(coded) < raw:
        return _Option(form, size.position_bytes + len(coded), True)
    return _Option(form, size.position_bytes + raw, False)


def unpack_layer(layer: PackedLayer) -> SparseWeight:
    """The layer's weight; ValueError, which names the layer, when its bytes are damaged."""
    try:
        return _unpacked(layer)
    except ValueError as error:
        raise ValueError(f"layer {layer.name} is damaged: {error}") from error


def _unpacked(layer: PackedLayer) -> SparseWeight:
    geometry, kind = Geometry.of(layer.shape), value_type(layer.value)
    expected = table_bytes(kind.count(geometry.rows)) if layer.nonzeros else 0
    require(len(layer.table) == expected, f"its table takes {expected} bytes, not {len(layer.table)}")
    require(layer.nonzeros <= layer.entries <= geometry.size, f"{layer.entries} values in {geometry.size} weights")
    has_zeros = layer.entries > layer.nonzeros
    # The values' size first: it bounds how many entries the positions may be asked for.
    if layer.is_coded:
        require(layer.entries == layer.nonzeros, "coded values belong to nonzeros alone")
        require(is_allowed(geometry, layer.entries, len(layer.values)), f"{layer.entries} values are too many for it")
    else:
        require_raw_size(layer.values, layer.entries, kind, has_zeros=has_zeros)
    positions = FORMATS[layer.format].decode(layer.positions, geometry, layer.entries)
    if layer.is_coded:
        codes = decode_entropy(layer.values, Mask(geometry, positions), kind)
    else:
        codes = decode_raw(layer.values, layer.entries, kind, has_zeros=has_zeros)
    is_nonzero = codes != 0
    found = int(is_nonzero.sum())
    require(found == layer.nonzeros, f"it holds {found} nonzeros, not {layer.nonzeros}")
    positions, codes = positions[is_nonzero], codes[is_nonzero]
    rows = (positions // max(geometry.columns, 1)).astype(np.int32)
    values = kind.decode(codes, rows, from_table(layer.table)) if found else np.zeros(0, np.float32)
    return SparseWeight(layer.shape, positions, values)
