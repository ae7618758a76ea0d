"""Convolutions of whole numbers, bit by bit: AND and popcount on words of 64 bits.

Source: Angizi et al. 2018, "IMCE" (ASP-DAC), and DoReFa-Net's equation 3 for the sum over pairs of bit planes.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from sparsecnn.layers.quantisers import Levels, steps_of
from sparsecnn.native import VARIANTS, library

# Of a word.
BYTES = 8
KERNELS = Path(__file__).parent / "kernels"
SOURCES = (KERNELS / "passes.c", KERNELS / "variant_avx512.c", *VARIANTS)
# Numbers that NumPy's way looks at together.
CHUNK = 2**22

Words = NDArray[np.uint64]


def packed_windows(numbers: Tensor, bits: int, size: int, *, stride: int = 1, padding: int = 0) -> Words:
    """What a size x size kernel sees at each place of whole numbers [B, C, H, W] in [0, 2^bits), bits at most 8.

    [bits, B H' W', words]: the bit planes, the lowest bit first. A pixel's channels fill up bytes, a window's bytes
    words of 64 bits.
    """
    pixels = numbers.to(torch.uint8).permute(0, 2, 3, 1).numpy()
    planes = pixels >> np.arange(bits, dtype=np.uint8).reshape(-1, 1, 1, 1, 1) & 1
    rows = np.packbits(planes, axis=-1, bitorder="little")
    edge = (padding, padding)
    padded = np.pad(rows, [(0, 0), (0, 0), edge, edge, (0, 0)])
    seen = sliding_window_view(padded, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    windows = np.moveaxis(seen, 4, -1).reshape(bits, -1, size * size * rows.shape[-1])
    return np.pad(windows, [(0, 0), (0, 0), (0, -windows.shape[-1] % BYTES)]).view(np.uint64)


def products(images: Words, weights: Words) -> Tensor:
    """The products of whole numbers in bit planes, [M, P, words] by [N, O, words]: int64 [P, O], exact.

    M N passes of AND and popcount. In C, or in NumPy where there is no compiler.
    """
    kernels = _kernels()
    sums = np.zeros((images.shape[1], weights.shape[1]), np.int64)
    if kernels is None:
        _numpy_products(images, weights, sums)
    else:
        (planes, places, words), (weight_planes, outputs, _) = images.shape, weights.shape
        images, weights = np.ascontiguousarray(images), np.ascontiguousarray(weights.transpose(0, 2, 1))
        sides = (images.ctypes.data, planes, places, weights.ctypes.data, weight_planes, outputs, words)
        kernels.passes(*sides, sums.ctypes.data)
    return torch.from_numpy(sums)


def _numpy_products(images: Words, weights: Words, sums: NDArray[np.int64]) -> None:
    rows = max(1, CHUNK // max(1, weights.shape[1] * weights.shape[2]))
    for first in range(0, images.shape[1], rows):
        for m, plane in enumerate(images):
            for n, weight in enumerate(weights):
                both = plane[first : first + rows, None] & weight[None]
                sums[first : first + rows] += np.bitwise_count(both).sum(axis=-1, dtype=np.int64) << (m + n)


@cache
def _kernels() -> ctypes.CDLL | None:
    built = library(*SOURCES)
    if built is not None:
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        built.passes.argtypes = [pointer, number, number, pointer, number, number, number, pointer]
        built.passes.restype = None
    return built


def bitwise_conv2d(
    numbers: Tensor, bits: int, levels: Levels, weight_bits: int, *, stride: int = 1, padding: int = 0
) -> tuple[Tensor, Tensor]:
    """Whole activations [B, C, H, W] in [0, 2^bits) by the [O, C, k, k] of `levels`: int64 [B, O, H', W'] twice.

    First the sums of number times activation over the kept weights, then those of the activations alone, which the
    signs of the levels need: the convolution is scale * (2 first / weight steps - second) / activation steps. Padding
    with zeros is exact.
    """
    outputs, _, size, _ = levels.numbers.shape
    batch, _, height, width = numbers.shape
    images = packed_windows(numbers, bits, size, stride=stride, padding=padding)
    weighted = products(images, packed_windows(levels.numbers * levels.kept, weight_bits, size))
    plain = products(images, packed_windows(levels.kept, 1, size))
    rows, across = ((side + 2 * padding - size) // stride + 1 for side in (height, width))
    first, second = (sums.view(batch, rows, across, outputs).permute(0, 3, 1, 2) for sums in (weighted, plain))
    return first, second


def dequantised(first: Tensor, second: Tensor, levels: Levels, bits: int) -> Tensor:
    """What `bitwise_conv2d` found, as the convolution of the quantised values: float64."""
    return first.double().mul_(2).div_(levels.steps).sub_(second).mul_(levels.scale).div_(steps_of(bits))
