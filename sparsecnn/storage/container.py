"""The file of a packed network: a safetensors file of two tensors, whose metadata say what their bytes mean.

docs/packed-format.md specifies it. The header is written here and not by the safetensors library, which cannot leave
room for a checksum of the whole file; that library reads it all the same.
"""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import DataError
from sparsecnn.storage.format import require
from sparsecnn.storage.formats import FORMATS
from sparsecnn.storage.layer import PackedLayer
from sparsecnn.storage.masks import MOST_WEIGHTS
from sparsecnn.storage.value_types import value_type

FORMAT = "sparsecnn 1"
NO_CHECKSUM = "00000000"
PREFIX_BYTES = 8
MOST_HEADER_BYTES = 2**24
OTHER_TYPES: dict[str, np.dtype[np.floating]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
LAYER_LINE = re.compile(
    r"(?P<name>[^ ;]+) (?P<shape>\d{1,10}(?:x\d{1,10})*) (?P<format>\w+) (?P<value>\w+)(?P<coded>\+?) "
    r"(?P<nonzeros>\d{1,10})(?:/(?P<entries>\d{1,10}))? "
    r"(?P<table>\d{1,10}),(?P<positions>\d{1,10}),(?P<values>\d{1,10})"
)


@dataclass(frozen=True)
class PackedNetwork:
    """What a file holds: packed layers, and all other values (biases, normalisation) one behind the other.

    `notes` are short texts beside them: the program of the network, the shape of its input, and so on.
    """

    layers: tuple[PackedLayer, ...]
    others: NDArray[np.floating]
    notes: Mapping[str, str]

    @property
    def payload_bytes(self) -> int:
        """The file without its header."""
        return self.others.nbytes + sum(layer.bytes for layer in self.layers)

    def to_bytes(self) -> bytes:
        """The file, whose length is the memory that is reported of the network."""
        parts = [self.others.tobytes()]
        for layer in self.layers:
            parts += [layer.table, layer.positions, layer.values]
        checksum = zlib.crc32(_header(self, NO_CHECKSUM))
        for part in parts:
            checksum = zlib.crc32(part, checksum)
        return b"".join([_header(self, f"{checksum:08x}"), *parts])


def _header(network: PackedNetwork, checksum: str) -> bytes:
    metadata = {"format": FORMAT, "crc32": checksum, **network.notes, "layers": ";".join(map(_line, network.layers))}
    others, data_bytes = network.others, network.payload_bytes
    kind = next(name for name, kind in OTHER_TYPES.items() if kind == network.others.dtype)
    tensors = {
        "others": {"dtype": kind, "shape": [len(others)], "data_offsets": [0, others.nbytes]},
        "layers": {"dtype": "U8", "shape": [data_bytes - others.nbytes], "data_offsets": [others.nbytes, data_bytes]},
    }
    text = json.dumps({"__metadata__": metadata, **tensors}, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % PREFIX_BYTES)
    return len(text).to_bytes(PREFIX_BYTES, "little") + text


def _line(layer: PackedLayer) -> str:
    shape, coded = "x".join(map(str, layer.shape)), "+" * layer.is_coded
    entries = f"{layer.nonzeros}" if layer.entries == layer.nonzeros else f"{layer.nonzeros}/{layer.entries}"
    sizes = f"{len(layer.table)},{len(layer.positions)},{len(layer.values)}"
    return f"{layer.name} {shape} {layer.format} {layer.value}{coded} {entries} {sizes}"


def read_packed(path: Path) -> PackedNetwork:
    """The network of a packed file; DataError, which says what is wrong, when it is missing or damaged.

    Sizes and the checksum are checked here; the bytes of a layer are read by `unpack_layer`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return parse(data)
    except ValueError as error:
        raise DataError(f"{path} is no intact packed network: {error}") from error


def parse(data: bytes) -> PackedNetwork:
    """The network in the bytes of a file; ValueError when they are no intact packed network."""
    header, start = _read_header(data)
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict):
        raise ValueError("it has no metadata")
    notes: dict[str, str] = dict(metadata)
    require(all(isinstance(value, str) for value in notes.values()), "its metadata are no texts")
    require(notes.pop("format", "") == FORMAT, f"its format is not {FORMAT}")
    _check_sum(data, start, notes.pop("crc32", ""))
    lines = notes.pop("layers", None)
    require(lines is not None, "it lists no layers")
    kind, count, ends = _tensors(header, len(data) - start)
    others = np.frombuffer(data, kind, count, start)
    layers, at = [], start + ends
    for line in (lines or "").split(";") if lines else ():
        layer = _read_layer(line, data, at)
        layers.append(layer)
        at += layer.bytes
    require(at == len(data), f"its layers take {at - start - ends} bytes, not {len(data) - start - ends}")
    names = {layer.name for layer in layers}
    require(len(names) == len(layers), "two of its layers have the same name")
    return PackedNetwork(tuple(layers), others, notes)


def _read_header(data: bytes) -> tuple[dict[str, Any], int]:
    require(len(data) >= PREFIX_BYTES, "it is too short")
    size = int.from_bytes(data[:PREFIX_BYTES], "little")
    require(size <= min(MOST_HEADER_BYTES, len(data) - PREFIX_BYTES), f"its header cannot take {size} bytes")
    try:
        header = json.loads(data[PREFIX_BYTES : PREFIX_BYTES + size])
    except (ValueError, RecursionError) as error:
        raise ValueError("its header is no JSON") from error
    require(isinstance(header, dict), "its header is no JSON object")
    return header, PREFIX_BYTES + size


def _check_sum(data: bytes, start: int, checksum: str) -> None:
    stated = f'"crc32":"{checksum}"'.encode()
    require(data[:start].count(stated) == 1, "its checksum is not where it should be")
    blank = data[:start].replace(stated, f'"crc32":"{NO_CHECKSUM}"'.encode())
    found = f"{zlib.crc32(memoryview(data)[start:], zlib.crc32(blank)):08x}"
    require(found == checksum, f"its checksum is {checksum}, its content has {found}")


def _tensors(header: Mapping[str, Any], data_bytes: int) -> tuple[np.dtype[np.floating], int, int]:
    """Type and number of the other values, and the bytes they take."""
    try:
        others, layers = header["others"], header["layers"]
        kind = OTHER_TYPES[others["dtype"]]
        (count,), (first, end), (begin, last) = others["shape"], others["data_offsets"], layers["data_offsets"]
        ((layer_bytes,), layer_type) = layers["shape"], layers["dtype"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("its tensors are not those of a packed network") from error
    numbers = (count, first, end, begin, last, layer_bytes)
    require(all(type(number) is int and number >= 0 for number in numbers), "its tensors have impossible sizes")
    fills = layer_type == "U8" and layer_bytes == last - begin and (first, begin, last) == (0, end, data_bytes)
    require(fills, "its tensors do not fill the file")
    require(end == count * kind.itemsize, f"{count} other values do not take {end} bytes")
    return kind, count, end


def _read_layer(line: str, data: bytes, at: int) -> PackedLayer:
    match = LAYER_LINE.fullmatch(line)
    require(match is not None, f"it describes a layer as {line[:60]!r}")
    assert match is not None
    shape = tuple(int(side) for side in match["shape"].split("x"))
    name, sizes = match["name"], [int(match[part]) for part in ("table", "positions", "values")]
    require(len(shape) <= 5 and prod(shape) <= MOST_WEIGHTS, f"layer {name} cannot have the shape {match['shape']}")
    require(match["format"] in FORMATS, f"layer {name} has an unknown format, {match['format'][:20]}")
    require(at + sum(sizes) <= len(data), f"layer {name} ends behind the end of the file")
    try:
        kind = value_type(match["value"])
    except ValueError as error:
        raise ValueError(f"layer {name} has an unknown type of values, {match['value'][:20]}") from error
    ends = np.cumsum([at, *sizes]).tolist()
    table, positions, values = (data[first:last] for first, last in pairwise(ends))
    nonzeros = int(match["nonzeros"])
    entries = int(match["entries"] or nonzeros)
    require(nonzeros <= entries <= prod(shape), f"layer {name} cannot hold {entries} values")
    return PackedLayer(
        name, shape, match["format"], kind.name, bool(match["coded"]), nonzeros, entries, table, positions, values
    )
