"""Mutated packed files: each must be refused in one line, or be read within time and memory.

python tests/fuzzing.py --count 100000
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch

from sparsecnn.errors import SparsecnnError
from sparsecnn.models import ResNet, prunable_weights, small_cnn
from sparsecnn.operators import project_l0
from sparsecnn.packing import joined, layer_table, packer_of, unpack
from sparsecnn.runtime import sparse_network
from sparsecnn.storage import FORMATS, read_packed, value_type

VALUES = ("float32", "float16", "bfloat16", "int8", "int4", "codebook15")
SECONDS = 5.0
NUMBERS = (0, 1, 2, 3, 7, 8, 255, 256, 65535, 65536, 2**20, 2**24, 2**31 - 1, 2**31, 2**32, 2**40, 2**63, 10**18, -1)
# What is allocated beside the tensors of an honest file: interpreter objects, operations on empty tensors.
FREE_BYTES = 2**21


def originals() -> list[bytes]:
    """Small networks in every type of values and every format, and two in one file."""
    torch.manual_seed(0)
    files = []
    for model, shape in ((small_cnn(1, 8, 10), (1, 8, 8)), (ResNet(8), (3, 8, 8))):
        with torch.no_grad():
            for number, weight in enumerate(prunable_weights(model).values()):
                weight.copy_(project_l0(weight, weight.numel() // (1, 3, 10, 50)[number % 4]))
        packer = packer_of(model.eval(), shape)
        files += [packer.pack(model.state_dict(), value_type(value)).to_bytes() for value in VALUES]
        files += [packer.pack(model.state_dict(), formats=[form]).to_bytes() for form in FORMATS.values()]
        files.append(joined([packer.pack(model.state_dict())] * 2).to_bytes())
    return files


def mutated(data: bytes, source: random.Random) -> bytes:
    """One mutation, or several of them; half of the files get the checksum that their content asks for."""
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        data = source.choice(MUTATIONS)(data, source)
    return with_checksum(data) if source.random() < 0.5 else data


def _flip(data: bytes, source: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 8))):
        if changed:
            changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
    return bytes(changed)


def _flip_header(data: bytes, source: random.Random) -> bytes:
    size = min(8 + int.from_bytes(data[:8], "little"), len(data))
    return _flip(data[:size], source) + data[size:]


def _truncate(data: bytes, source: random.Random) -> bytes:
    return data[: source.randrange(len(data) + 1)]


def _lengthen(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + source.randbytes(source.choice((1, 4, 100))) + data[at:]


def _cut(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + data[at + source.choice((1, 4, 100)) :]


def _lie(data: bytes, source: random.Random) -> bytes:
    """Another number somewhere in the header: shapes, sizes, options, offsets."""
    size = 8 + int.from_bytes(data[:8], "little")
    found = list(re.finditer(rb"\d+", data[8:size]))
    if not found:
        return data
    match = source.choice(found)
    number = source.choice((*NUMBERS, int(match[0]) + 1, int(match[0]) * 2, int(match[0]) - 1))
    return _with_header(data, data[8 : 8 + match.start()] + str(number).encode() + data[8 + match.end() : size])


def _swap_words(data: bytes, source: random.Random) -> bytes:
    """Two words of the header exchanged: formats, types, operations, names."""
    size = 8 + int.from_bytes(data[:8], "little")
    found = list(re.finditer(rb"[a-z_@]\w*", data[8:size]))
    if len(found) < 2:
        return data
    first, second = sorted(source.sample(found, 2), key=lambda match: match.start())
    header = data[8:size]
    middle = header[first.end() : second.start()]
    swapped = header[: first.start()] + second[0] + middle + first[0] + header[second.end() :]
    return _with_header(data, swapped)


def _with_header(data: bytes, header: bytes) -> bytes:
    size = 8 + int.from_bytes(data[:8], "little")
    return len(header).to_bytes(8, "little") + header + data[size:]


def with_checksum(data: bytes) -> bytes:
    """`data` with the checksum of its content, if it has a place for one."""
    size = 8 + int.from_bytes(data[:8], "little")
    header = re.sub(rb'"crc32":"[^"]*"', b'"crc32":"00000000"', data[8:size])
    blank = _with_header(data, header)
    end = 8 + len(header)
    checksum = f"{zlib.crc32(blank[end:], zlib.crc32(blank[:end])):08x}".encode()
    return blank[:end].replace(b'"crc32":"00000000"', b'"crc32":"' + checksum + b'"') + blank[end:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _flip, _flip_header, _truncate, _lengthen, _cut),
    *(_lie, _lie, _lie, _swap_words),
)


def read(path: Path) -> str:
    """What reading a file ends with: "read", or the message of a refusal without its numbers."""
    try:
        network = read_packed(path)
        layer_table(network)
        unpack(network)
        sparse_network(network)
    except SparsecnnError as error:
        assert "\n" not in str(error), error
        return re.sub(r"[0-9a-f.-]*\d[0-9a-f.-]*|'.*'|\(.*\)", "#", str(error).partition(": ")[2])[:60]
    return "read"


def allowed_bytes(honest: int, file_bytes: int) -> int:
    """Twice what reading the original allocates, and what interpreter and header may take."""
    return 2 * honest + 8 * file_bytes + FREE_BYTES


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """How `count` mutated files ended; AssertionError for one that takes too long or too much memory."""
    source, files, ends = random.Random(seed), originals(), Counter[str]()
    path = folder / "mutated.safetensors"
    tracemalloc.start()
    honest = {data: _measured(path, data)[1] for data in files}
    for number in range(count):
        original = source.choice(files)
        data = mutated(original, source)
        end, allocated, seconds = _measured(path, data)
        place = f"mutation {number} of seed {seed}, {path}: {end}"
        assert seconds < SECONDS, f"{seconds:.1f} s for {place}"
        assert allocated <= allowed_bytes(honest[original], len(data)), f"{allocated} bytes for {place}"
        assert end != "read" or data == original or with_checksum(data) == data, f"unnoticed: {place}"
        ends[end] += 1
    tracemalloc.stop()
    return ends


def _measured(path: Path, data: bytes) -> tuple[str, int, float]:
    path.write_bytes(data)
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.perf_counter()
    end = read(path)
    return end, tracemalloc.get_traced_memory()[1] - before, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ends = fuzz(arguments.count, arguments.seed, Path(folder))
    json.dump(dict(ends.most_common()), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
