"""Encoded images to arrays."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, UnidentifiedImageError

from sparsecnn.errors import DataError

# Pillow's modes that are one grey channel; everything else becomes RGB.
GREY_MODES = ("L", "1")


def decode(data: bytes, where: str) -> Image.Image:
    """The image in `data`, decoded, in mode L or RGB; DataError naming `where` when it is none."""
    try:
        image = Image.open(io.BytesIO(data))
        return image.convert("L" if image.mode in GREY_MODES else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} is no image that can be decoded") from error


def decode_all(count: int, image: Callable[[int], Image.Image], where: Callable[[int], str]) -> np.ndarray:
    """Images number 0 .. count - 1 as uint8 [N, H, W, C], decoded by several threads.

    One channel if all are grey, else three. DataError when one has another size than the first.
    """
    if count == 0:
        return np.zeros((0, 1, 1, 1), np.uint8)
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(image, range(count), chunksize=64))
    size = images[0].size
    odd = next((index for index, other in enumerate(images) if other.size != size), None)
    if odd is not None:
        sizes = f"{'x'.join(map(str, images[odd].size))} pixels, {where(0)} has {'x'.join(map(str, size))}"
        raise DataError(f"{where(odd)} has {sizes}: all images must have one size")
    mode = "L" if all(other.mode == "L" for other in images) else "RGB"
    arrays = np.stack([np.asarray(other.convert(mode)) for other in images])
    return arrays[..., None] if mode == "L" else arrays


def check_labels(labels: Sequence[int | None], classes: int, where: Callable[[int], str]) -> np.ndarray:
    """`labels` as int64 [N]; DataError for one that is missing or not in [0, classes - 1]."""
    for index, label in enumerate(labels):
        if label is None or not 0 <= label < classes:
            raise DataError(f"{where(index)} has the label {label}, not one of 0 .. {classes - 1}")
    return np.array(labels, dtype=np.int64)
