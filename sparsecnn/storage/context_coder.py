"""The context coder of packed files: masks and values under probabilities that adapt to rows, channels, neighbours.

docs/packed-format.md specifies it. context_coder.c computes where there is a C compiler, context_model.py where there
is none; both give the same bytes.
"""

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparsecnn.native import library
from sparsecnn.storage import context_model
from sparsecnn.storage.masks import Geometry, Mask, Positions

Bytes = NDArray[np.uint8]
SOURCE = Path(__file__).with_name("context_coder.c")
# Positions decoded at a time: a damaged file shall not be given more memory than it fills.
ROOM = 1 << 16
DAMAGED = "its coded bits do not end where they should"


def encode_mask(mask: Mask, offset: int) -> bytes:
    """The mask, under a model that starts from log-odds of `offset` / 65536 for a nonzero."""
    kernels = _kernels()
    if kernels is None:
        return context_model.encode_mask(mask, offset)
    needed = mask.geometry.size // 8 + 2 * mask.nonzeros + 64
    while True:
        data = np.empty(needed, np.uint8)
        coder = _opened(kernels, data, mask.geometry, offset, decodes=False)
        needed = kernels.mask_encode(coder, mask.positions.ctypes, mask.nonzeros)
        kernels.mask_close(coder)
        if needed <= len(data):
            return data[:needed].tobytes()


def decode_mask(data: bytes, geometry: Geometry, offset: int, nonzeros: int) -> Positions:
    """The ascending positions; ValueError when the data do not hold just so many."""
    kernels = _kernels()
    if kernels is None:
        return context_model.decode_mask(data, geometry, offset, nonzeros)
    held = np.frombuffer(data, np.uint8)
    coder = _opened(kernels, held, geometry, offset, decodes=True)
    parts: list[Positions] = []
    found = 0
    try:
        while True:
            part = np.empty(ROOM, np.int32)
            count = kernels.mask_decode(coder, part.ctypes, ROOM)
            parts.append(part[: max(count, 0)].copy())
            found += count
            if count < 0 or found > nonzeros:
                raise ValueError(DAMAGED)
            if count < ROOM:
                break
    finally:
        kernels.mask_close(coder)
    if found != nonzeros:
        raise ValueError(f"it holds {found} nonzeros, not {nonzeros}")
    return np.concatenate(parts)


def encode_values(mask: Mask, symbols: Bytes, signs: Bytes | None, bits: int) -> bytes:
    """`symbols` in [0, 2^bits), bits in 0..8, and unless None `signs` (0 or 1), one for each nonzero of `mask`."""
    kernels = _kernels()
    if kernels is None:
        return context_model.encode_values(mask, symbols, signs, bits)
    needed = (bits + 1) * mask.nonzeros // 4 + 64
    while True:
        data = np.empty(needed, np.uint8)
        needed = _values(kernels, data, mask, bits, symbols, signs, decodes=False)
        if needed <= len(data):
            return data[:needed].tobytes()


def decode_values(data: bytes, mask: Mask, bits: int, *, signed: bool) -> tuple[Bytes, Bytes | None]:
    """The symbols and signs of the nonzeros of `mask`; ValueError for data that end too early."""
    kernels = _kernels()
    if kernels is None:
        return context_model.decode_values(data, mask, bits, signed=signed)
    symbols = np.zeros(mask.nonzeros, np.uint8)
    signs = np.zeros(mask.nonzeros, np.uint8) if signed else None
    if _values(kernels, np.frombuffer(data, np.uint8), mask, bits, symbols, signs, decodes=True) != 0:
        raise ValueError(DAMAGED)
    return symbols, signs


def _kernels() -> ctypes.CDLL | None:
    kernels = library(SOURCE)
    if kernels is not None:
        number, pointer, flag = ctypes.c_int64, ctypes.c_void_p, ctypes.c_int
        kernels.mask_open.argtypes = [pointer, *[number] * 6, flag]
        kernels.mask_open.restype = pointer
        kernels.mask_close.argtypes = [pointer]
        kernels.mask_encode.argtypes = kernels.mask_decode.argtypes = [pointer, pointer, number]
        kernels.mask_encode.restype = kernels.mask_decode.restype = number
        kernels.values_code.argtypes = [pointer, *[number] * 6, pointer, number, pointer, pointer, flag]
        kernels.values_code.restype = number
    return kernels


def _opened(kernels: ctypes.CDLL, data: Bytes, geometry: Geometry, offset: int, *, decodes: bool) -> int:
    shape = (geometry.rows, geometry.columns, geometry.area, geometry.width)
    coder: int | None = kernels.mask_open(data.ctypes, len(data), *shape, offset, decodes)
    if coder is None:
        raise MemoryError
    return coder


def _values(
    kernels: ctypes.CDLL, data: Bytes, mask: Mask, bits: int, symbols: Bytes, signs: Bytes | None, *, decodes: bool
) -> int:
    geometry = mask.geometry
    shape = (geometry.rows, geometry.columns, geometry.area, geometry.width)
    where = None if signs is None else signs.ctypes
    done: int = kernels.values_code(
        data.ctypes, len(data), *shape, bits, mask.positions.ctypes, mask.nonzeros, symbols.ctypes, where, decodes
    )
    if done == -2:
        raise MemoryError
    return done
