"""Encoded images of every kind, and the paths they lie under."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparsecnn.data import resident_data_set
from sparsecnn.data.cache import cache_dir
from sparsecnn.data.decoding import decode, decode_all
from sparsecnn.data.files import size_and_time, user_path
from sparsecnn.errors import ConfigError, DataError


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "becomes"), [("1", "L"), ("L", "L"), ("LA", "L"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGB")]
)
def test_grey_images_stay_grey_and_all_others_become_rgb(mode: str, becomes: str) -> None:
    assert decode(encoded(Image.new(mode, (2, 2))), "here").mode == becomes


def test_of_16_bits_the_upper_8_are_kept() -> None:
    image = Image.fromarray(np.array([[0, 300, 65535]], np.uint16))
    assert np.asarray(decode(encoded(image), "here")).tolist() == [[0, 1, 255]]


def test_32_bits_a_pixel_are_refused() -> None:
    with pytest.raises(DataError, match=r"^here has 32 bits a pixel, not 8 or 16$"):
        decode(encoded(Image.new("F", (2, 2)), "TIFF"), "here")


def test_a_torn_file_is_refused_unless_only_its_checksums_are_lost() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    whole, refused = encoded(Image.fromarray(pixels)), 0
    for length in range(len(whole)):
        try:
            assert np.array_equal(np.asarray(decode(whole[:length], "here")), pixels)
        except DataError as error:
            assert str(error) == "here is no image that can be decoded"
            refused += 1
    # The end of a PNG: checksums of the packed pixels (4 bytes) and of their chunk (4), and an empty chunk (12).
    assert len(whole) - 20 <= refused < len(whole)


def test_images_that_need_more_memory_than_there_is_are_a_data_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", no_room)
    with pytest.raises(DataError, match=r"^1024 images of 1024x1024 pixels, as image 0, need 3 GiB of memory$"):
        decode_all(1024, lambda _: Image.new("RGB", (1024, 1024)), "image {}".format)


def test_a_path_in_the_home_of_an_unknown_user_is_a_data_error() -> None:
    with pytest.raises(DataError, match="its user has no home"):
        user_path("~no-such-user/images")


def test_the_cache_needs_a_home_or_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSECNN_CACHE_DIR", "~no-such-user/cache")
    with pytest.raises(ConfigError, match="set SPARSECNN_CACHE_DIR"):
        cache_dir()


def test_size_and_time_of_a_file_that_has_gone_are_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone cannot be read: No such file or directory"):
        size_and_time(tmp_path / "gone")


IMAGES, LABELS = np.zeros((2, 3, 3), np.uint8), np.array([0, 1])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(float), LABELS, r"set, train: images must be uint8 .*, got float64 \[2, 3, 3\]"),
        (IMAGES[0], LABELS, r"images must be uint8"),
        (IMAGES[:0], LABELS[:0], r"images must be uint8"),
        (IMAGES, LABELS.astype(float), r"labels must be whole numbers \[2\] or \[2, 3, 3\], got float64 \[2\]"),
        (IMAGES, LABELS[:1], r"labels must be whole numbers \[2\] or \[2, 3, 3\], got int64 \[1\]"),
        (IMAGES, LABELS + 1, r"set, train, image 1 has the label 2, not one of 0 \.\. 1"),
        (IMAGES[:, :2], LABELS, r"set: train and test images differ in size or channels"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        resident_data_set("set", (images, labels), (IMAGES, LABELS), ["a", "b"])
