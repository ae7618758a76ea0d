"""The values of a layer as bytes: codes of a fixed width, or coded symbols and signs beside raw bits."""

import struct

import numpy as np

from sparsecnn.storage.bits import pack, packed_size, unpack
from sparsecnn.storage.context_coder import decode_values, encode_values
from sparsecnn.storage.format import require
from sparsecnn.storage.masks import Geometry, Mask
from sparsecnn.storage.value_types import Codes, ValueType

HEADER = struct.Struct("<BBH")
MOST_SYMBOL_BITS = 8
# Extra bits that join the symbol if there is room: the first two of a mantissa are no pure noise.
JOINED_BITS = 2
# As for masks: what a byte may stand for.
MOST_VALUES_A_BYTE = 2**6
MOST_ROWS_A_BYTE = 2**6
FREE_VALUES, FREE_ROWS = 2**16, 2**12


def encode_raw(codes: Codes, kind: ValueType, *, has_zeros: bool) -> bytes:
    """One code behind the other, of `kind.raw_width` bits each; a narrow type without zeros counts from 0."""
    width = kind.raw_width(has_zeros=has_zeros)
    return pack(codes - np.uint32(width < kind.width), width)


def decode_raw(data: bytes, count: int, kind: ValueType, *, has_zeros: bool) -> Codes:
    """`count` codes; ValueError when the data are not just so long."""
    width = kind.raw_width(has_zeros=has_zeros)
    return unpack(data, count, width) + np.uint32(width < kind.width)


def require_raw_size(data: bytes, count: int, kind: ValueType, *, has_zeros: bool) -> None:
    """ValueError unless the data are as long as `count` codes."""
    needed = packed_size(count, kind.raw_width(has_zeros=has_zeros))
    require(len(data) == needed, f"{count} values take {needed} bytes, not {len(data)}")


def encode_entropy(mask: Mask, codes: Codes, kind: ValueType) -> bytes:
    """The codes of the nonzeros of `mask`, symbols and signs entropy-coded.

    A header says how many extra bits stay raw, the largest symbol, and the width of what is subtracted from it.
    """
    if not mask.nonzeros:
        return b""
    symbols = codes & np.uint32((1 << (kind.width - kind.is_signed)) - 1)
    largest, least = int(symbols.max()), int(symbols.min())
    for raw_bits in range(max(kind.extra_bits - JOINED_BITS, 0), kind.extra_bits + 1):
        top = largest >> raw_bits
        bits = (top - (least >> raw_bits)).bit_length()
        if bits <= MOST_SYMBOL_BITS:
            break
    symbols >>= np.uint32(raw_bits)
    np.subtract(np.uint32(top), symbols, out=symbols)
    below = symbols.astype(np.uint8)
    del symbols  # arrays as long as the layer: a large one shall not be held more often than needed
    signs = (codes >> (kind.width - 1)).astype(np.uint8) if kind.is_signed else None
    coded = encode_values(mask, below, signs, bits)
    del below, signs
    return b"".join([HEADER.pack(raw_bits, bits, top), coded, pack(codes, raw_bits)])


def decode_entropy(data: bytes, mask: Mask, kind: ValueType) -> Codes:
    """The codes of the nonzeros of `mask`; ValueError for damaged data."""
    if not mask.nonzeros:
        require(not data, "a layer of zeros stores no values")
        return np.zeros(0, np.uint32)
    require(len(data) >= HEADER.size, "its values end too early")
    raw_bits, bits, top = HEADER.unpack(data[: HEADER.size])
    possible = raw_bits <= kind.extra_bits and bits <= MOST_SYMBOL_BITS
    require(possible and top < 1 << (kind.symbol_bits + kind.extra_bits - raw_bits), "its values cannot be so wide")
    extras_at = len(data) - packed_size(mask.nonzeros, raw_bits)
    require(extras_at >= HEADER.size, "its values end too early")
    require(is_allowed(mask.geometry, mask.nonzeros, len(data)), f"{mask.nonzeros} values are too many for its bytes")
    below, signs = decode_values(data[HEADER.size : extras_at], mask, bits, signed=kind.is_signed)
    require(int(below.max()) <= top, "its values are out of range")
    codes: Codes = np.uint32(top) - below << np.uint32(raw_bits) | unpack(data[extras_at:], mask.nonzeros, raw_bits)
    if signs is not None:
        codes |= signs.astype(np.uint32) << np.uint32(kind.width - 1)
    return codes


def is_allowed(geometry: Geometry, count: int, data_bytes: int) -> bool:
    """Whether so many bytes may stand for so many values and rows."""
    values, rows = MOST_VALUES_A_BYTE * data_bytes + FREE_VALUES, MOST_ROWS_A_BYTE * data_bytes + FREE_ROWS
    return count <= values and geometry.rows <= rows
