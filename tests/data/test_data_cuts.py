"""Caffe's cuts of streamed images, beside the usual ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparsecnn.config import compose, identity
from sparsecnn.data import StreamedSplit, load_image_folder
from sparsecnn.errors import ConfigError

SIZE = 227


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of one image in each split, 512 pixels wide and 128 high: red grows to the right, green downwards."""
    wide = np.zeros((128, 512, 3), np.uint8)
    wide[..., 0], wide[..., 1] = np.arange(512) // 2, np.arange(128)[:, None] * 2
    for split in ("train", "val"):
        path = tmp_path / split / "n01" / "0.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(wide).save(path)
    return tmp_path


def batch(split: Any, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    images: torch.Tensor = next(split.batches(torch.zeros(20, dtype=torch.int64), 20, generator))[0]
    return images.float()


def caffe(folder: Path) -> Any:
    return load_image_folder(str(folder), SIZE, in_memory="never", workers=0, cuts="caffe")


def test_an_evaluation_shows_the_middle_of_the_squeezed_picture(folder: Path) -> None:
    image = batch(caffe(folder).test, 0)[0]
    # 256 pixels a side: what is red grows by 1 a pixel, and so does what is green.
    steps = torch.arange(SIZE) + (256 - SIZE) // 2
    assert (image[0, 100] - steps).abs().max() <= 1
    assert (image[1, :, 100] - steps).abs().max() <= 1


def test_training_cuts_random_places_of_it_and_mirrors_half_of_them(folder: Path) -> None:
    images = torch.cat([batch(caffe(folder).train, seed) for seed in range(5)])
    # The same seed for the same image: a batch of it shows it in one way.
    assert len({tuple(image.flatten().tolist()[:SIZE]) for image in images}) == 5
    for image in images[::20]:
        across = (image[0, 0, -1] - image[0, 0, 0]).abs()
        assert abs(across - (SIZE - 1)) <= 2, "a cut is never scaled"
        assert 0 <= image[1, 0, 0] <= 256 - SIZE + 1


def test_the_usual_cuts_stay_what_they_were(folder: Path) -> None:
    usual = load_image_folder(str(folder), SIZE, in_memory="never", workers=0)
    image = batch(usual.test, 0)[0]
    # The shorter side at 8/7: of the longer one a part is shown.
    assert image[0, 0, -1] - image[0, 0, 0] < 70


def test_cuts_are_for_streamed_sets_and_by_name(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.cuts=caffe is for a streamed set: data\.in_memory=never"):
        load_image_folder(str(folder), 8, cuts="caffe")
    with pytest.raises(ConfigError, match=r"data\.cuts must be one of usual, caffe, got none"):
        load_image_folder(str(folder), 8, cuts="none")  # type: ignore[arg-type]
    assert isinstance(caffe(folder).train, StreamedSplit)


def test_runs_from_before_there_were_cuts_to_choose_keep_their_identity() -> None:
    usual, other = (
        compose("train", ["data=image_folder", "data.folder=a", *more]) for more in ([], ["data.cuts=caffe"])
    )
    assert "cuts" not in identity(usual)["data"]
    assert identity(other)["data"]["cuts"] == "caffe"
