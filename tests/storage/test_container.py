"""The file of a packed network: read by anybody's safetensors, and refused when one bit of it is wrong."""

import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from masks import random_mask
from safetensors.numpy import load

from sparsecnn.errors import DataError
from sparsecnn.storage import FORMATS, PackedNetwork, pack_layer, parse, read_packed, unpack_layer, value_type


def network(value: str = "float32", others: str = "<f4") -> PackedNetwork:
    weight = np.zeros((16, 72), np.float32)
    weight.flat[random_mask((16, 72), 0.2).positions] = 1.5
    kind = value_type(value)
    layers = [pack_layer(name, weight.reshape(16, 8, 3, 3), kind, formats=FORMATS.values()) for name in ("a", "b.c")]
    return PackedNetwork(tuple(layers), np.arange(5).astype(others), {"input": "8x9x9"})


def forged(data: bytes, old: bytes, new: bytes) -> bytes:
    """`data` with a header in which `old` stands as `new`, and with the right checksum for it."""
    size = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + size], data[8 + size :]
    assert old in header
    header = re.sub(rb'"crc32":"\w+"', b'"crc32":"00000000"', header.replace(old, new))
    blank = len(header).to_bytes(8, "little") + header
    return blank.replace(b'"00000000"', f'"{zlib.crc32(rest, zlib.crc32(blank)):08x}"'.encode()) + rest


@pytest.mark.parametrize("value", ["float32", "int5", "codebook7"])
@pytest.mark.parametrize("others", ["<f4", "<f2"])
def test_a_file_holds_what_was_put_into_it(value: str, others: str) -> None:
    put = network(value, others)
    found = parse(put.to_bytes())
    assert found.layers == put.layers
    assert found.notes == put.notes
    assert found.others.dtype == put.others.dtype
    np.testing.assert_array_equal(found.others, put.others)
    for layer in found.layers:
        assert unpack_layer(layer).dense().shape == (16, 8, 3, 3)


def test_the_safetensors_library_reads_it() -> None:
    put = network()
    tensors = load(put.to_bytes())
    assert tensors["others"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert tensors["layers"].nbytes == sum(layer.bytes for layer in put.layers)


def test_the_file_is_its_payload_and_a_short_header() -> None:
    put = network()
    data = put.to_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    assert len(data) == put.payload_bytes + header
    assert header <= 1024 + 100 * len(put.layers)
    assert header % 8 == 0


def test_every_single_bit_flip_is_noticed() -> None:
    data = network("int5").to_bytes()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"^(it|its|two|layer|[0-9]+ other)"):
            parse(bytes(damaged))


def test_every_truncation_is_noticed() -> None:
    data = network("int5").to_bytes()
    for size in range(len(data)):
        with pytest.raises(ValueError, match=r"\w"):
            parse(data[:size])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"sparsecnn 1", b"sparsecnn 2", "its format is not sparsecnn 1"),
        (b"16x8x3x3", b"16x8x3x3x3x3", "layer a cannot have the shape 16x8x3x3x3x3"),
        (b"16x8x3x3", b"99999x99999x9", "layer a cannot have the shape 99999x99999x9"),
        (b"a 16x8x3x3 ", b"a 16x8x3x3 un", "layer a has an unknown format, un"),
        (b"float32", b"float64", "layer a has an unknown type of values, float64"),
        (b";b.c ", b";a ", "two of its layers have the same name"),
        (b'"U8"', b'"I8"', "its tensors do not fill the file"),
        (b'"F32"', b'"F64"', "its tensors are not those of a packed network"),
        (b'"shape":[5]', b'"shape":[6]', "6 other values do not take 20 bytes"),
        (b'"shape":[5]', b'"shape":[true]', "its tensors have impossible sizes"),
        (b'"shape":[5]', b'"shape":5', "its tensors are not those of a packed network"),
        (b'"shape":[5]', b'"shape":[5,1]', r"its tensors are not those of a packed network"),
        (b'"input":"8x9x9"', b'"input":5', "its metadata are no texts"),
        (b'"layers":"a', b'"levels":"a', "it lists no layers"),
        (b'"__metadata__"', b'"__netadata__"', "it has no metadata"),
        (b"a 16x8x3x3", b"a  16x8x3x3", "it describes a layer as 'a  16x8x3x3"),
    ],
)
def test_a_header_that_lies_is_refused_with_what_is_wrong(old: bytes, new: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(forged(network().to_bytes(), old, new))


def test_sizes_of_a_layer_that_lie_are_refused() -> None:
    data = network().to_bytes()
    line = next(
        word
        for word in json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["layers"].split(";")
    )
    table, positions, values = line.rpartition(" ")[2].split(",")
    for lie in (
        f"{table},{positions},{int(values) + 1}",
        f"{table},{int(positions) - 1},{values}",
        f"{table},9999999,0",
    ):
        with pytest.raises(ValueError, match=r"its layers take|ends behind the end of the file"):
            parse(forged(data, line.encode(), line.replace(f"{table},{positions},{values}", lie).encode()))


def test_a_missing_file_and_one_of_another_kind_give_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"net.safetensors cannot be read: No such file"):
        read_packed(tmp_path / "net.safetensors")
    for content in (b"", b"PK\x03\x04", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}", b"\x04\0\0\0\0\0\0\0[[[["):
        (tmp_path / "net.safetensors").write_bytes(content)
        with pytest.raises(DataError, match=r"net.safetensors is no intact packed network: it"):
            read_packed(tmp_path / "net.safetensors")
