"""The structs of kernels/step.h for ctypes, and the kernels themselves."""

import ctypes
from enum import IntEnum
from pathlib import Path

from sparsecnn.native import VARIANTS, library

SOURCES = (Path(__file__).parent / "kernels" / "run.c", *VARIANTS)
# Columns of a segment and images of a group, as in step.h.
SEGMENT, GROUP = 8, 8
# A struct tensor is so many 64-bit numbers: its address, then the distances of images, channels, lines and columns.
TENSOR_FIELDS = 5


class Kind(IntEnum):
    """What a step does, in the order of the enum in step.h."""

    LOAD = 0
    CONV = 1
    POOL = 2
    POINTWISE = 3
    MEAN = 4
    LINEAR = 5
    STORE = 6
    INTERLEAVE = 7
    LINEAR_GROUP = 8
    STORE_GROUP = 9


def _fields(kind: "type[ctypes._SimpleCData[int]]", names: str) -> "list[tuple[str, type[ctypes._SimpleCData[int]]]]":
    return [(name, kind) for name in names.split()]


class View(ctypes.Structure):
    """Where a map lies in the scratch: distances in floats."""

    _fields_ = _fields(ctypes.c_int64, "offset channel segment line image")


class KernelStep(ctypes.Structure):
    """One step; step.h says what each field means and which kinds use it."""

    _fields_ = [
        *_fields(ctypes.c_int32, "kind relu channels height width tensor"),
        *((name, View) for name in ("source", "other", "out")),
        *_fields(ctypes.c_int32, "other_first other_channels halo_segments halo_left halo_right parts"),
        *((name, ctypes.c_void_p) for name in ("nonzeros", "starts", "bias", "row_scale", "column_scale")),
        *_fields(ctypes.c_int32, "kernel_height kernel_width stride_height stride_width is_max"),
        *_fields(ctypes.c_int32, "top left rows segments row_stride column_stride columns"),
    ]


class Fill(ctypes.Structure):
    """A part of the scratch and the value that it begins with."""

    _fields_ = [
        *_fields(ctypes.c_int64, "offset length"),
        ("value", ctypes.c_float),
        ("reserved", ctypes.c_int32),
    ]


def kernels() -> ctypes.CDLL | None:
    """The compiled kernels, or None on a machine without a compiler."""
    built = library(*SOURCES)
    if built is not None:
        pointer, count = ctypes.c_void_p, ctypes.c_int
        built.run.argtypes = [pointer, count, pointer, ctypes.c_long, pointer]
        built.prepare.argtypes = [pointer, count, pointer]
        built.run.restype = built.prepare.restype = None
    return built
