"""Parquet shards in the Hugging Face image schema."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sparsecnn.data import ResidentSplit, load_parquet
from sparsecnn.errors import DataError

TRAIN, TEST = "train-00000-of-00001.parquet", "test-00000-of-00001.parquet"


@pytest.fixture
def write_set(tmp_path: Path, encode: Any, write_shard: Any) -> Any:
    """A whole set of two train images and one test image; keywords replace what the train shard holds."""

    def write(images: Any = None, labels: Any = (0, 1), **options: Any) -> Path:
        folder = tmp_path / "set"
        options = {"names": ["cat", "dog"], **options}
        write_shard(folder / TRAIN, images or [encode(10), encode(20)], labels, **options)
        options.pop("extra", None)
        write_shard(folder / TEST, [encode(30)], [1], **options)
        return folder

    return write


def pixels(split: Any) -> list[int]:
    assert isinstance(split, ResidentSplit)
    return split.images[:, 0, 0, 0].tolist()


def message(folder: Path) -> str:
    """The one line that loading `folder` fails with."""
    with pytest.raises(DataError) as raised:
        load_parquet(str(folder))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_images_labels_and_class_names_are_read(write_set: Any) -> None:
    data = load_parquet(str(write_set()))
    assert (data.name, data.classes, data.image_shape) == ("set", ("cat", "dog"), (3, 4, 4))
    assert (pixels(data.train), data.train.labels.tolist()) == ([10, 20], [0, 1])
    assert (pixels(data.test), data.test.labels.tolist()) == ([30], [1])


@pytest.mark.parametrize("options", [{"column": "img"}, {"column": "scan", "is_struct": False}])
def test_the_image_column_is_found_by_its_type(options: dict[str, Any], write_set: Any) -> None:
    assert pixels(load_parquet(str(write_set(**options))).train) == [10, 20]


def test_without_label_the_only_class_label_is_taken(write_set: Any) -> None:
    data = load_parquet(str(write_set(label="fine_label")))
    assert (data.classes, data.train.labels.tolist()) == (("cat", "dog"), [0, 1])


def test_without_metadata_the_classes_are_numbered(write_set: Any) -> None:
    assert load_parquet(str(write_set(labels=[0, 2], names=None))).classes == ("0", "1", "2")


def test_a_numbered_class_beyond_the_number_of_images_is_refused(write_set: Any) -> None:
    folder = write_set(labels=[0, 10**12], names=None)
    assert message(folder) == f"{folder / TRAIN}, row 1 has the label {10**12}, not one of 0 .. 2"


def test_shards_are_joined_in_the_order_of_their_names(write_set: Any, write_shard: Any, encode: Any) -> None:
    folder = write_set()
    write_shard(folder / "train-00001-of-00002.parquet", [encode(40)], [1])
    data = load_parquet(str(folder))
    assert (pixels(data.train), data.train.labels.tolist()) == ([10, 20, 40], [0, 1, 1])


def test_a_split_of_grey_images_has_one_channel(write_set: Any, write_shard: Any, encode: Any) -> None:
    folder = write_set(images=[encode(10, grey=True), encode(20, grey=True)])
    write_shard(folder / TEST, [encode(30, grey=True)], [1])
    assert load_parquet(str(folder)).image_shape == (1, 4, 4)


def test_grey_images_among_coloured_ones_become_rgb(write_set: Any, encode: Any) -> None:
    data = load_parquet(str(write_set(images=[encode(10, grey=True), encode(20)])))
    assert data.image_shape == (3, 4, 4)
    assert pixels(data.train) == [10, 20]


def test_lossless_webp_is_read_without_loss(write_set: Any, encode: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    data = load_parquet(str(write_set(images=[encode(noise), encode(20, kind="WEBP")])))
    assert isinstance(data.train, ResidentSplit)
    assert np.array_equal(data.train.images[0].numpy(), noise)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert message(tmp_path / "no") == f"there is no folder {tmp_path / 'no'}"


@pytest.mark.parametrize("missing", [TRAIN, TEST])
def test_a_split_without_shards_is_named(missing: str, write_set: Any) -> None:
    folder = write_set()
    (folder / missing).unlink()
    assert message(folder) == f"{folder} holds no {missing.split('-')[0]}-*.parquet"


def test_a_corrupt_shard_is_named(write_set: Any) -> None:
    folder = write_set()
    content = (folder / TRAIN).read_bytes()
    for broken in (b"", b"no parquet", content[: len(content) // 2]):
        (folder / TRAIN).write_bytes(broken)
        assert message(folder) == f"{folder / TRAIN} is no readable parquet file"


def test_an_empty_shard_is_named(write_set: Any, write_shard: Any) -> None:
    folder = write_set()
    write_shard(folder / TRAIN, [], [])
    assert message(folder) == f"{folder / TRAIN} holds no image"


def test_an_image_that_cannot_be_decoded_is_named_with_its_row(write_set: Any, encode: Any) -> None:
    folder = write_set(images=[encode(10), b"no image"])
    assert message(folder) == f"{folder / TRAIN}, row 1 is no image that can be decoded"


def test_an_image_that_is_missing_is_named_with_its_row(write_set: Any, encode: Any) -> None:
    folder = write_set(images=[encode(10), None])
    assert message(folder) == f"{folder / TRAIN}, row 1 has no image"


def test_the_first_image_of_another_size_is_named(write_set: Any, encode: Any) -> None:
    folder = write_set(images=[encode(10), encode(20, size=5)])
    assert message(folder).startswith(f"{folder / TRAIN}, row 1 has 5x5 pixels, {folder / TRAIN}, row 0 has 4x4")


def test_splits_of_different_shapes_are_refused(write_set: Any, write_shard: Any, encode: Any) -> None:
    folder = write_set()
    write_shard(folder / TEST, [encode(30, size=5)], [1])
    assert message(folder) == f"{folder}: train and test images differ in size or channels"


@pytest.mark.parametrize("label", [None, -1, 2])
def test_a_label_that_is_no_class_is_named_with_its_row(label: int | None, write_set: Any) -> None:
    folder = write_set(labels=[0, label])
    assert message(folder) == f"{folder / TRAIN}, row 1 has the label {label}, not one of 0 .. 1"


def test_a_shard_without_a_label_is_named(write_set: Any) -> None:
    folder = write_set(label="class", names=None)
    assert message(folder) == f"{folder / TRAIN} has no column `label` of whole numbers"


def test_labels_that_are_no_whole_numbers_are_refused(write_set: Any) -> None:
    folder = write_set(label="name", names=None, extra={"label": pa.array(["a", "b"])})
    assert message(folder) == f"{folder / TRAIN} has no column `label` of whole numbers"


def test_two_image_columns_are_refused(write_set: Any) -> None:
    folder = write_set(extra={"mask": pa.array([b"a", b"b"])})
    assert message(folder) == f"{folder / TRAIN} must have one column of encoded images, found 2"


def test_files_that_name_different_classes_are_refused(write_set: Any, write_shard: Any, encode: Any) -> None:
    folder = write_set()
    write_shard(folder / TEST, [encode(30)], [1], names=["dog", "cat"])
    assert message(folder) == f"the files in {folder} name different classes"
