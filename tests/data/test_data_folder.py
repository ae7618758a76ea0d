"""ImageNet's layout, in memory and streamed."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparsecnn.data import DataSet, ResidentSplit, StreamedSplit, cut_validation, load_image_folder
from sparsecnn.data import streamed as streamed_module
from sparsecnn.errors import ConfigError, DataError


class Iterated:
    """A loader whose iteration does as it is told."""

    def __init__(self, act: Any) -> None:
        self.act = act

    def __iter__(self) -> Any:
        return self.act()


@pytest.fixture
def folder(tmp_path: Path, encode: Any) -> Path:
    """Classes cat and dog, 4 train images each (values 0 .. 7) and a test image each (8 and 9), of 20 x 20 pixels."""
    root = tmp_path / "images"
    for number in range(10):
        split, index = ("train", number) if number < 8 else ("test", number - 8)
        name = ("cat", "dog")[index // 4 if split == "train" else index]
        path = root / split / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(number, size=20))
    return root


def streamed(folder: Path, *, workers: int = 0) -> DataSet:
    return load_image_folder(str(folder), 8, in_memory="never", workers=workers)


def images(split: Any, *, seed: int | None = 0, size: int = 3) -> torch.Tensor:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.cat([batch for batch, _ in split.batches(torch.arange(len(split)), size, generator)])


def message(folder: Path, **options: Any) -> str:
    with pytest.raises(DataError) as raised:
        load_image_folder(str(folder), 8, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def noisy(folder: Path) -> Path:
    """The same folder with images whose cuts differ."""
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        noise = np.random.default_rng(number).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return folder


@pytest.mark.parametrize("in_memory", ["always", "never"])
def test_both_ways_give_the_same_classes_labels_and_test_pixels(in_memory: Any, folder: Path) -> None:
    data = load_image_folder(str(folder), 8, in_memory=in_memory, workers=0)
    assert (data.name, data.classes, data.image_shape) == ("images", ("cat", "dog"), (3, 8, 8))
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4
    assert images(data.test)[:, 0, 0, 0].tolist() == [8, 9]


def test_images_that_have_the_size_already_are_kept_in_memory_as_they_are(noisy: Path) -> None:
    data = load_image_folder(str(noisy), 20, in_memory="always")
    # 24 x 20 pixels: the shorter side is whole, the longer one loses two pixels at each end.
    original = np.asarray(Image.open(noisy / "test" / "cat" / "8.png"))[:, 2:22]
    assert torch.equal(images(data.test)[0], torch.from_numpy(original.copy()).permute(2, 0, 1))


def test_a_set_is_streamed_when_it_needs_more_than_the_limit(folder: Path) -> None:
    needed = 10 * 3 * 8 * 8
    fits, too_large = (load_image_folder(str(folder), 8, max_memory_bytes=limit) for limit in (needed, needed - 1))
    assert isinstance(fits.train, ResidentSplit)
    assert isinstance(too_large.train, StreamedSplit)


def test_val_is_the_test_split_where_test_has_no_classes(folder: Path) -> None:
    (folder / "test").rename(folder / "val")
    (folder / "test").mkdir()
    (folder / "test" / "unlabelled.png").write_bytes(b"")
    assert len(load_image_folder(str(folder), 8).test) == 2


def test_hidden_files_and_folders_are_passed_over(folder: Path) -> None:
    (folder / "train" / ".thumbnails").mkdir()
    (folder / "train" / "cat" / "._0.png").write_bytes(b"")
    assert len(load_image_folder(str(folder), 8).train) == 8


def test_grey_files_become_rgb(folder: Path, encode: Any) -> None:
    (folder / "test" / "cat" / "8.png").write_bytes(encode(50, size=20, grey=True))
    assert images(streamed(folder).test)[0, :, 0, 0].tolist() == [50, 50, 50]


def test_streamed_batches_follow_the_order_channels_last(folder: Path) -> None:
    batches = list(streamed(folder).test.batches(torch.tensor([1, 0]), 5, None))
    assert len(batches) == 1
    pixels, labels = batches[0]
    assert (pixels[:, 0, 0, 0].tolist(), labels.tolist()) == ([9, 8], [1, 0])
    assert (pixels.dtype, labels.dtype) == (torch.uint8, torch.int64)
    assert pixels.is_contiguous(memory_format=torch.channels_last)


def test_the_same_generator_cuts_the_same_and_another_one_differently(noisy: Path) -> None:
    train = streamed(noisy).train
    assert torch.equal(images(train, seed=0), images(train, seed=0))
    assert not torch.equal(images(train, seed=0), images(train, seed=1))


def test_a_generator_cuts_every_epoch_differently(noisy: Path) -> None:
    train, generator = streamed(noisy).train, torch.Generator().manual_seed(0)
    first, second = (next(train.batches(torch.arange(8), 8, generator))[0] for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_number_of_workers_changes_no_pixel(noisy: Path) -> None:
    assert torch.equal(images(streamed(noisy).train), images(streamed(noisy, workers=2).train))


def test_decoding_leaves_the_global_generator_as_it_was(noisy: Path) -> None:
    state, data = torch.get_rng_state(), streamed(noisy)
    images(data.train)
    images(data.test, seed=None)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_validation_part_of_a_streamed_split_is_cut_in_the_middle(noisy: Path) -> None:
    train, validation = cut_validation(streamed(noisy).train, 0.25, 0)
    assert (len(train), len(validation), validation.labels.tolist()) == (6, 2, [0, 1])
    assert torch.equal(images(validation, seed=0), images(validation, seed=1))
    assert not torch.equal(images(train, seed=0), images(train, seed=1))


def test_streamed_statistics_are_those_of_the_middles(noisy: Path) -> None:
    train = streamed(noisy).train
    middles = images(train.evaluation()).double()
    assert torch.allclose(train.mean_image().double(), middles.mean(dim=0))
    mean, std = train.channel_stats()
    assert torch.allclose(mean.double(), middles.mean(dim=(0, 2, 3)))
    assert torch.allclose(std.double(), middles.std(dim=(0, 2, 3), correction=0))


def test_a_streamed_split_says_where_its_batches_come(folder: Path) -> None:
    moved = streamed(folder).train.to(torch.device("meta"))
    assert next(moved.batches(torch.arange(8), 8, None))[0].device.type == "meta"


def test_the_fingerprint_of_a_streamed_set_tells_names_and_sizes(folder: Path) -> None:
    first = streamed(folder).fingerprint
    assert streamed(folder).fingerprint == first
    (folder / "train" / "cat" / "0.png").rename(folder / "train" / "cat" / "00.png")
    second = streamed(folder).fingerprint
    with (folder / "train" / "cat" / "00.png").open("ab") as file:
        file.write(b"more")
    assert len({first, second, streamed(folder).fingerprint}) == 3


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_corrupt_file_is_named_in_one_line_when_it_is_streamed(workers: int, folder: Path) -> None:
    path = folder / "test" / "cat" / "8.png"
    path.write_bytes(b"no image")
    with pytest.raises(DataError) as raised:
        images(streamed(folder, workers=workers).test)
    assert str(raised.value) == f"{path} is no image that can be decoded"


def test_a_decoding_process_that_was_killed_is_a_data_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> Any:
        raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed.")

    monkeypatch.setattr(streamed_module, "DataLoader", lambda *_, **__: Iterated(killed))
    with pytest.raises(DataError, match=r"was killed; data\.workers=0 does without them"):
        images(streamed(folder).test)


def test_other_errors_of_the_loader_are_passed_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(streamed_module, "DataLoader", lambda *_, **__: Iterated(failed))
    with pytest.raises(RuntimeError, match="out of memory"):
        images(streamed(folder).test)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_corrupt_file_does_not_keep_the_workers_from_closing(folder: Path) -> None:
    (folder / "test" / "cat" / "8.png").write_bytes(b"no image")
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(DataError):
            images(streamed(folder, workers=1).test)
    assert time.monotonic() - began < 5.0  # the loader's own limit for a worker that does not end


def test_a_corrupt_file_is_named_when_it_is_read_to_memory(folder: Path) -> None:
    path = folder / "train" / "dog" / "5.png"
    path.write_bytes(b"no image")
    assert message(folder) == f"{path} is no image that can be decoded"


def test_a_file_that_has_gone_is_named(folder: Path) -> None:
    data = streamed(folder)
    (folder / "test" / "cat" / "8.png").unlink()
    with pytest.raises(DataError, match=r"8\.png cannot be read: No such file or directory"):
        images(data.test)


def test_missing_folders_are_named(folder: Path, tmp_path: Path) -> None:
    assert message(tmp_path / "no") == f"there is no folder {tmp_path / 'no' / 'train'}"
    (folder / "test").rename(folder / "other")
    assert message(folder) == f"there is no folder {folder / 'test'}"


def test_a_folder_without_classes_is_named(folder: Path) -> None:
    (folder / "train").rename(folder / "old")
    (folder / "train").mkdir()
    assert message(folder) == f"{folder / 'train'} holds no folder of a class"


def test_an_empty_class_is_named(folder: Path) -> None:
    (folder / "test" / "dog" / "9.png").unlink()
    assert message(folder).startswith(f"{folder / 'test' / 'dog'} holds no image (.jpg,")


def test_a_class_of_one_split_only_is_named(folder: Path) -> None:
    (folder / "test" / "dog").rename(folder / "test" / "wolf")
    assert "differ in their classes: dog is in one of them only" in message(folder)


def test_a_way_to_keep_images_that_there_is_not_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.in_memory must be auto, always or never, got maybe"):
        load_image_folder(str(folder), 8, in_memory="maybe")  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 8, "workers": -1}])
def test_sizes_and_workers_out_of_range_are_refused(options: dict[str, int], folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.size must be at least 1 and data\.workers at least 0"):
        load_image_folder(str(folder), **options)
