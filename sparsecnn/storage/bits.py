"""Numbers of a fixed width in bits, one behind the other, the most significant bit first."""

import numpy as np
from numpy.typing import NDArray

# Rows of bits that are expanded at a time: 64 numbers are whole bytes at any width.
CHUNK = 64 * 4096


def packed_size(count: int, width: int) -> int:
    """The bytes of `count` numbers of `width` bits; the last byte is filled with zeros."""
    return -(-count * width // 8)


def pack(numbers: NDArray[np.integer], width: int) -> bytes:
    """The low `width` bits, 0..32, of each of `numbers`, as packed_size(len(numbers), width) bytes."""
    if width in (0, 8, 16, 32):
        return numbers.astype(f">u{width // 8}").tobytes() if width else b""
    shifts = np.arange(width - 1, -1, -1, dtype=np.uint32)
    parts = []
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK].astype(np.uint32)
        parts.append(np.packbits((chunk[:, None] >> shifts & 1).astype(np.uint8)).tobytes())
    return b"".join(parts)


def unpack(data: bytes, count: int, width: int) -> NDArray[np.uint32]:
    """What `pack` packed; ValueError when the data are not just as long as `count` numbers are."""
    if len(data) != packed_size(count, width):
        raise ValueError(f"{count} numbers of {width} bits take {packed_size(count, width)} bytes, not {len(data)}")
    if width in (0, 8, 16, 32):
        return np.frombuffer(data, f">u{width // 8}").astype(np.uint32) if width else np.zeros(count, np.uint32)
    numbers = np.empty(count, np.uint32)
    weights = (1 << np.arange(width - 1, -1, -1)).astype(np.uint32)
    raw = np.frombuffer(data, np.uint8)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        first = start * width // 8
        bits = np.unpackbits(raw[first : first + packed_size(size, width)], count=size * width)
        numbers[start : start + size] = bits.reshape(size, width) @ weights
    return numbers
