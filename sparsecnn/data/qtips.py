"""Q-tips: bars whose pixels can only be told apart by who sees both of their ends.

Source: Haber, Lensink, Treister & Ruthotto 2019, "IMEXnet" (arXiv 1903.02639) and its generator for sizes and grey
values; the shape of an end, and drawing without resampling, are this project's choice.
"""

import numpy as np
from numpy.typing import NDArray

from sparsecnn.data.resident import resident_data_set
from sparsecnn.data.types import DataSet
from sparsecnn.errors import ConfigError

CLASSES = ("background", "white and white", "white and black", "black and black")
BACKGROUND, BAR, WHITE, BLACK = 112, 128, 255, 1
# In pixels: lengths of bars, both included, in images of 64; their width; width and depth of an end.
LENGTHS = (32, 59)
WIDTH, END_WIDTH, END_DEPTH = 2.0, 4.0, 4.0
FULL_SIZE = 64
LEAST_SIZE = 16


def load_qtips(train: int = 1024, test: int = 256, size: int = FULL_SIZE, seed: int = 0) -> DataSet:
    """Grey images of `size` x `size` pixels, each with a bar in the middle, turned by any angle, and a label a pixel.

    0 is the background, 1 to 3 the whole bar, by the colours of its ends: both white, one of each, both black. In
    smaller images bars are shorter in proportion, and not thinner. Train and test are drawn apart from `seed`.
    ConfigError for sizes below 16 and for no images.
    """
    if size < LEAST_SIZE:
        raise ConfigError(f"data.size must be at least {LEAST_SIZE}, got {size}")
    if min(train, test) < 1:
        raise ConfigError(f"data.train and data.test must be at least 1, got {train} and {test}")
    if seed < 0:
        raise ConfigError(f"data.seed must be at least 0, got {seed}")
    drawn = [_draw(count, size, np.random.default_rng([seed, part])) for part, count in enumerate((train, test))]
    return resident_data_set("qtips", drawn[0], drawn[1], CLASSES)


def _draw(count: int, size: int, random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images [N, size, size] and the labels of their pixels."""
    kinds = random.integers(1, len(CLASSES), count)
    lengths = random.integers(LENGTHS[0], LENGTHS[1] + 1, count) * size / FULL_SIZE
    angles = random.uniform(-np.pi, np.pi, count)
    places = np.arange(size) - (size - 1) / 2
    cosines, sines, halves = (values[:, None, None] for values in (np.cos(angles), np.sin(angles), lengths / 2))
    along = places[:, None] * sines + places * cosines
    across = np.abs(places[:, None] * cosines - places * sines)
    is_bar = (np.abs(along) <= halves) & (across <= WIDTH / 2)
    is_end = (np.abs(along) <= halves) & (np.abs(along) > halves - END_DEPTH) & (across <= END_WIDTH / 2)
    first, second = (np.where(kinds <= last, WHITE, BLACK)[:, None, None] for last in (2, 1))
    images = np.where(is_bar, BAR, BACKGROUND)
    images = np.where(is_end, np.where(along > 0, first, second), images).astype(np.uint8)
    return images, np.where(is_bar | is_end, kinds[:, None, None], 0)
