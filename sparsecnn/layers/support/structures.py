"""The structs of kernels/support.h for ctypes, and the kernels themselves."""

import ctypes
from functools import cache
from pathlib import Path

from torch import Tensor

from sparsecnn.native import VARIANTS, library

SOURCES = (Path(__file__).parent / "kernels" / "support.c", *VARIANTS)
# Images of a tile, as in support.h.
GROUP = 16


def _numbers(names: str) -> "list[tuple[str, type[ctypes.c_int64]]]":
    return [(name, ctypes.c_int64) for name in names.split()]


def _pointers(names: str) -> "list[tuple[str, type[ctypes.c_void_p]]]":
    return [(name, ctypes.c_void_p) for name in names.split()]


class Maps(ctypes.Structure):
    """A batch of maps, wherever it lies."""

    _fields_ = [*_pointers("data"), *_numbers("images channels height width image channel row column")]


class Frame(ctypes.Structure):
    """Where the maps begin in a tile, and its size."""

    _fields_ = _numbers("top left height width")


class Kept(ctypes.Structure):
    """Weights by the channel they are summed into."""

    _fields_ = [*_numbers("channels parts"), *_pointers("starts offsets values")]


class Gather(ctypes.Structure):
    """One convolution over a tile."""

    _fields_ = [
        ("kept", Kept),
        *_numbers("rows columns row column first_row first_column row_step column_step"),
    ]


def maps(images: Tensor) -> Maps:
    """Of [N, C, H, W] float32, whatever its strides; it must outlive the struct."""
    return Maps(images.data_ptr(), *images.shape, *images.stride())


@cache
def kernels() -> ctypes.CDLL | None:
    """The compiled kernels, or None on a machine without a compiler."""
    built = library(*SOURCES)
    if built is not None:
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        built.gather.argtypes = [pointer, pointer, pointer, number, *[pointer] * 4]
        built.correlate.argtypes = [pointer, pointer, pointer, number, number, *[pointer] * 4]
        built.gather.restype = built.correlate.restype = None
    return built
