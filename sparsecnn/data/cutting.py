"""Cuts of whole batches of images, every image at its own place, mirrored or not.

cutting.c does it in one pass on a CPU where there is a C compiler, NumPy where there is none, and a GPU by one gather;
all give the same pixels. Source: this project's choice.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor
from torch.nn.functional import pad as padded

from sparsecnn.native import library


def cut(pixels: Tensor, pad: int, mirrored: Tensor, places: Tensor) -> Tensor:
    """Of uint8 `pixels` [N, H, W, C] with a border of `pad` zeros the cuts at `places`, of the same shape.

    `places` are rows and columns in 0..2 pad, int64 [2, N, 1]; `mirrored` is bool [N, 1]; both on the CPU.
    """
    if not pixels.is_cpu:
        return gathered(pixels, pad, mirrored, places)
    return copied(pixels, pad, mirrored, places) if compiled() is None else in_c(pixels, pad, mirrored, places)


def in_c(pixels: Tensor, pad: int, mirrored: Tensor, places: Tensor) -> Tensor:
    """As `cut`, by cutting.c."""
    functions = compiled()
    assert functions is not None
    pixels, mirrored, places = pixels.contiguous(), mirrored.contiguous(), places.contiguous()
    result = torch.empty_like(pixels)
    pointers = (tensor.data_ptr() for tensor in (mirrored, places[0], places[1], result))
    functions.cut(pixels.data_ptr(), *pixels.shape, pad, *pointers)
    return result


def copied(pixels: Tensor, pad: int, mirrored: Tensor, places: Tensor) -> Tensor:
    """As `cut`, row by row in NumPy, which on a CPU is faster than a gather."""
    bordered = padded(pixels, (0, 0, pad, pad, pad, pad)).numpy()
    size = pixels.shape[1:3]
    cuts = sliding_window_view(bordered, size, (1, 2)).transpose(0, 1, 2, 4, 5, 3)  # [N, tops, lefts, H, W, C]
    tops, lefts = places[..., 0].numpy()
    result = np.ascontiguousarray(cuts[np.arange(len(pixels)), tops, lefts])
    whole = result.view(np.dtype(("V", result.shape[3])))[..., 0]  # a pixel is moved as one
    chosen = np.flatnonzero(mirrored.numpy())
    whole[chosen] = whole[chosen, :, ::-1]
    return torch.from_numpy(result)


def gathered(pixels: Tensor, pad: int, mirrored: Tensor, places: Tensor) -> Tensor:
    """As `cut`, in one gather: row and column numbers of every image say where its pixels come from."""
    count, height, width, channels = pixels.shape
    device = pixels.device
    # Few numbers travel to the device, where the many that they stand for are made.
    mirrored, places = mirrored.to(device, non_blocking=True), places.to(device, non_blocking=True)
    rows, columns = (torch.arange(side, device=device) for side in (height, width))
    columns = torch.where(mirrored, width - 1 - columns, columns)
    rows, columns = rows + places[0], columns + places[1]
    first_row = torch.arange(count, device=device).view(-1, 1) * (height + 2 * pad)
    sources = (first_row + rows).unsqueeze(2) * (width + 2 * pad) + columns.unsqueeze(1)  # [N, H, W]
    bordered = padded(pixels, (0, 0, pad, pad, pad, pad)).reshape(-1, channels)
    return bordered.index_select(0, sources.flatten()).view(pixels.shape)


@cache
def compiled() -> ctypes.CDLL | None:
    """The functions of cutting.c, or None without a compiler."""
    found = library(Path(__file__).with_name("cutting.c"))
    if found is not None:
        found.cut.argtypes = [ctypes.c_void_p, *[ctypes.c_int64] * 5, *[ctypes.c_void_p] * 4]
        found.cut.restype = None
    return found
