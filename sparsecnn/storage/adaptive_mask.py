"""The adaptive format: a mask coded under densities of rows, input channels, places in the kernel and neighbours."""

import math
import struct

from sparsecnn.storage.context_coder import decode_mask, encode_mask
from sparsecnn.storage.format import BYTE, Format, Size, nonzero_positions, require
from sparsecnn.storage.masks import Geometry, Mask, Positions

# The code begins with the log-odds of a nonzero in 1/256 nats, which the context coder starts from.
HEADER = struct.Struct("<h")
STEP = 256
# Weights that a byte of code may stand for: a reader refuses to spend hours on a small file that lies.
MOST_WEIGHTS_A_BYTE = 2**14
MOST_ROWS_A_BYTE = 2**6
# Values that count as one more byte: they take at least that, see coded_values.py.
VALUES_A_BYTE = 2**6
FREE_WEIGHTS, FREE_ROWS = 2**20, 2**12
# The size of a code that a reader would refuse: any other format is shorter.
FORBIDDEN_BITS = 2**60


def _encode(mask: Mask) -> bytes:
    size, nonzeros = mask.geometry.size, mask.nonzeros
    log_odds = round(STEP * math.log((nonzeros + 0.5) / (size - nonzeros + 0.5)))
    return HEADER.pack(log_odds) + encode_mask(mask, log_odds * STEP)


def _size(mask: Mask) -> Size:
    code_bytes = len(_encode(mask))
    if not is_allowed(mask.geometry, code_bytes, mask.nonzeros):
        return Size(mask.nonzeros, FORBIDDEN_BITS)
    return Size(mask.nonzeros, BYTE * code_bytes)


def _decode(data: bytes, geometry: Geometry, entries: int) -> Positions:
    require(len(data) >= HEADER.size, "its code ends too early")
    allowed = is_allowed(geometry, len(data), entries)
    require(allowed, f"{geometry.size} weights are too many for {len(data)} bytes and {entries} values")
    (log_odds,) = HEADER.unpack(data[: HEADER.size])
    return decode_mask(data[HEADER.size :], geometry, log_odds * STEP, entries)


def is_allowed(geometry: Geometry, code_bytes: int, nonzeros: int) -> bool:
    """Whether a code of so many bytes and the values of so many nonzeros may stand for so many weights and rows."""
    paid = code_bytes + nonzeros // VALUES_A_BYTE
    weights, rows = MOST_WEIGHTS_A_BYTE * paid + FREE_WEIGHTS, MOST_ROWS_A_BYTE * paid + FREE_ROWS
    return geometry.size <= weights and geometry.rows <= rows


ADAPTIVE = Format("adaptive", _size, nonzero_positions, _encode, _decode)
