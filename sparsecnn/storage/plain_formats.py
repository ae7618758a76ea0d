"""Formats without gaps: every value, a bit a position, compressed sparse rows. Source: common knowledge."""

import numpy as np

from sparsecnn.storage.format import BYTE, Format, Size, nonzero_positions, require
from sparsecnn.storage.masks import Geometry, Mask, Positions


def _dense_size(mask: Mask) -> Size:
    return Size(mask.geometry.size, 0)


def _dense_entries(mask: Mask) -> Positions:
    return np.arange(mask.geometry.size, dtype=np.int32)


def _dense_encode(mask: Mask) -> bytes:
    return b""


def _dense_decode(data: bytes, geometry: Geometry, entries: int) -> Positions:
    require(not data, "a dense layer stores no positions")
    require(entries == geometry.size, f"a dense layer stores {geometry.size} values, not {entries}")
    return np.arange(entries, dtype=np.int32)


def _bitmask_size(mask: Mask) -> Size:
    return Size(mask.nonzeros, mask.geometry.size)


def _bitmask_encode(mask: Mask) -> bytes:
    is_nonzero = np.zeros(mask.geometry.size, np.uint8)
    is_nonzero[mask.positions] = 1
    return np.packbits(is_nonzero).tobytes()


def _bitmask_decode(data: bytes, geometry: Geometry, entries: int) -> Positions:
    needed = -(-geometry.size // BYTE)
    require(len(data) == needed, f"a bitmask of {geometry.size} weights takes {needed} bytes, not {len(data)}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    require(not bits[geometry.size :].any(), "its bitmask goes on behind the last weight")
    positions = np.flatnonzero(bits).astype(np.int32)
    require(len(positions) == entries, f"its bitmask has {len(positions)} ones, not {entries}")
    return positions


def _narrowest(largest: int) -> np.dtype[np.unsignedinteger]:
    """The narrowest unsigned integer type of whole bytes that holds `largest`."""
    return np.min_scalar_type(max(largest, 0)).newbyteorder("<")


def _csr_types(geometry: Geometry, nonzeros: int) -> tuple[np.dtype[np.unsignedinteger], np.dtype[np.unsignedinteger]]:
    return _narrowest(geometry.columns - 1), _narrowest(nonzeros)


def _csr_size(mask: Mask) -> Size:
    column, pointer = _csr_types(mask.geometry, mask.nonzeros)
    pointers = pointer.itemsize * (mask.geometry.rows + 1)
    return Size(mask.nonzeros, BYTE * (pointers + column.itemsize * mask.nonzeros))


def _csr_encode(mask: Mask) -> bytes:
    geometry = mask.geometry
    column, pointer = _csr_types(geometry, mask.nonzeros)
    starts = np.searchsorted(mask.positions, np.arange(geometry.rows + 1) * max(geometry.columns, 1))
    columns = mask.positions % max(geometry.columns, 1)
    return starts.astype(pointer).tobytes() + columns.astype(column).tobytes()


def _csr_decode(data: bytes, geometry: Geometry, entries: int) -> Positions:
    column, pointer = _csr_types(geometry, entries)
    pointers = pointer.itemsize * (geometry.rows + 1)
    needed = pointers + column.itemsize * entries
    require(len(data) == needed, f"the index of {entries} nonzeros takes {needed} bytes, not {len(data)}")
    starts = np.frombuffer(data[:pointers], pointer).astype(np.int64)
    require(starts[0] == 0 and starts[-1] == entries, "its rows do not begin at 0 and end at the last nonzero")
    lengths = np.diff(starts)
    require(bool((lengths >= 0).all()), "its rows are not in order")
    columns = np.frombuffer(data[pointers:], column).astype(np.int64)
    positions = np.repeat(np.arange(geometry.rows), lengths) * geometry.columns + columns
    in_order = bool((np.diff(positions) > 0).all()) and bool((columns < geometry.columns).all())
    require(in_order, "its columns are not in order")
    return positions.astype(np.int32)


DENSE = Format("dense", _dense_size, _dense_entries, _dense_encode, _dense_decode)
BITMASK = Format("bitmask", _bitmask_size, nonzero_positions, _bitmask_encode, _bitmask_decode)
CSR = Format("csr", _csr_size, nonzero_positions, _csr_encode, _csr_decode)
