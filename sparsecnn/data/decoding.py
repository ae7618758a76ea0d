"""Encoded images to arrays."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from sparsecnn.errors import DataError

# Pillow's modes that are one grey channel, with or without transparency; everything else becomes RGB.
GREY_MODES = ("1", "L", "LA")


def decode(data: bytes, where: str) -> Image.Image:
    """The image in `data`, decoded, in mode L or RGB; DataError naming `where` when it is none.

    Of 16 bits a pixel the upper 8 are kept; transparency is ignored.
    """
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Exception as error:  # a torn file fails in as many ways as Pillow has decoders
        raise DataError(f"{where} is no image that can be decoded") from error
    if image.mode in ("I", "F"):
        raise DataError(f"{where} has 32 bits a pixel, not 8 or 16")
    if image.mode.startswith("I;16"):  # Pillow's own conversion cuts at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image.info.pop("transparency", None)  # Pillow warns of it when a palette is converted
    return image.convert("L" if image.mode in GREY_MODES else "RGB")


def decode_all(count: int, image: Callable[[int], Image.Image], where: Callable[[int], str]) -> np.ndarray:
    """Images number 0 .. count - 1 as uint8 [N, H, W, C], decoded by several threads; `count` is at least 1.

    One channel if all are grey, else three. DataError when one has another size than the first.
    """
    first = image(0)
    pixels = _room_for(count, first, where(0))

    def fill(index: int) -> bool:
        decoded = image(index)
        if decoded.size != first.size:
            sizes = f"{_pixels(decoded)} pixels, {where(0)} has {_pixels(first)}"
            raise DataError(f"{where(index)} has {sizes}: all images must have one size")
        array = np.asarray(decoded)
        pixels[index] = array if array.ndim == 3 else array[..., None]
        return array.ndim == 2

    with ThreadPoolExecutor() as pool:
        is_grey = all(list(pool.map(fill, range(count))))
    return np.ascontiguousarray(pixels[..., :1]) if is_grey else pixels


def check_labels(labels: Sequence[int | None], classes: int, where: Callable[[int], str]) -> np.ndarray:
    """`labels` as int64 [N]; DataError for one that is missing or not in [0, classes - 1]."""
    for index, label in enumerate(labels):
        if label is None or not 0 <= label < classes:
            raise DataError(f"{where(index)} has the label {label}, not one of 0 .. {classes - 1}")
    return np.array(labels, dtype=np.int64)


def _room_for(count: int, first: Image.Image, where: str) -> np.ndarray:
    shape = (count, first.height, first.width, 3)
    try:
        return np.empty(shape, np.uint8)
    except MemoryError as error:
        needed = f"{np.prod(shape, dtype=float) / 2**30:.0f} GiB"
        raise DataError(f"{count} images of {_pixels(first)} pixels, as {where}, need {needed} of memory") from error


def _pixels(image: Image.Image) -> str:
    return f"{image.width}x{image.height}"
