"""Formats that store the zeros before each nonzero: in a fixed number of bits with fillers, or by Golomb-Rice codes."""

import numpy as np
from numpy.typing import NDArray

from sparsecnn.storage.bits import pack, packed_size, unpack
from sparsecnn.storage.format import BYTE, Format, Size, nonzero_positions, require
from sparsecnn.storage.masks import Geometry, Mask, Positions


def relative(gap_bits: int) -> Format:
    """Gaps of `gap_bits` bits; a longer one takes fillers, entries of value zero behind 2^b - 1 zeros.

    Source: Han et al. 2016, "Deep Compression", section 2, Figure 2.
    """
    longest = 2**gap_bits - 1

    def codes(mask: Mask) -> Positions:
        fillers = mask.gaps >> gap_bits
        found = np.full(int(fillers.sum(dtype=np.int64)) + mask.nonzeros, longest, np.int32)
        found[np.cumsum(fillers + 1) - 1] = mask.gaps & longest
        return found

    def size(mask: Mask) -> Size:
        # An entry reaches over 2^b - 1 zeros to its own place, so a gap takes floor(gap / 2^b) fillers.
        entries = mask.nonzeros + mask.sum_of_gaps(gap_bits)
        return Size(entries, entries * gap_bits)

    def entries(mask: Mask) -> Positions:
        return _positions(codes(mask)).astype(np.int32)

    def encode(mask: Mask) -> bytes:
        return pack(codes(mask), gap_bits)

    def decode(data: bytes, geometry: Geometry, count: int) -> Positions:
        return _within(_positions(unpack(data, count, gap_bits)), geometry)

    return Format(f"relative_{gap_bits}", size, entries, encode, decode)


def _rice_bits(mask: Mask) -> int:
    """The width of the remainders that makes the code shortest."""
    sizes = [_rice_position_bits(mask, bits) for bits in range(_widest(mask) + 1)]
    return int(np.argmin(sizes))


def _widest(mask: Mask) -> int:
    # The best width is near the logarithm of the mean gap, never more than one above it.
    return int(mask.geometry.size // max(mask.nonzeros, 1)).bit_length()


def _rice_position_bits(mask: Mask, bits: int) -> int:
    ones_and_zeros = mask.nonzeros + mask.sum_of_gaps(bits)
    return BYTE * (1 + packed_size(mask.nonzeros, bits) + -(-ones_and_zeros // BYTE))


def _rice_size(mask: Mask) -> Size:
    return Size(mask.nonzeros, _rice_position_bits(mask, _rice_bits(mask)))


def _rice_encode(mask: Mask) -> bytes:
    bits = _rice_bits(mask)
    quotients = mask.gaps >> bits
    ends = np.cumsum(quotients + 1, dtype=np.int64) - 1
    unary = np.zeros(int(ends[-1]) + 1 if len(ends) else 0, np.uint8)
    unary[ends] = 1
    return bytes([bits]) + pack(mask.gaps, bits) + np.packbits(unary).tobytes()


def _rice_decode(data: bytes, geometry: Geometry, entries: int) -> Positions:
    require(len(data) > 0 and data[0] <= 31, "its code has no width")
    bits = data[0]
    unary_at = 1 + packed_size(entries, bits)
    require(len(data) >= unary_at, "its code ends too early")
    remainders = unpack(data[1:unary_at], entries, bits)
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(data[unary_at:], np.uint8)))
    require(len(ends) == entries, f"its code holds {len(ends)} nonzeros, not {entries}")
    used = -(-(int(ends[-1]) + 1) // BYTE) if entries else 0
    require(len(data) == unary_at + used, "its code goes on behind the last nonzero")
    gaps = (np.diff(ends, prepend=-1) - 1 << bits) | remainders
    return _within(_positions(gaps), geometry)


def _positions(gaps: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.cumsum(gaps.astype(np.int64) + 1) - 1


def _within(positions: NDArray[np.int64], geometry: Geometry) -> Positions:
    in_range = len(positions) == 0 or bool(positions[-1] < geometry.size)
    require(in_range, "its code leads behind the last weight")
    return positions.astype(np.int32)


RICE = Format("rice", _rice_size, nonzero_positions, _rice_encode, _rice_decode)
