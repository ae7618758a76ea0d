"""Splits in memory, the digits among them."""

import numpy as np
import pytest
import torch

from sparsecnn.data import DataSet, ResidentSplit, load_digits, resident, resident_data_set


def split() -> ResidentSplit:
    """Three images of 1 x 2 pixels and 2 channels, whose values count from 0."""
    return ResidentSplit(torch.arange(12, dtype=torch.uint8).view(3, 1, 2, 2), torch.tensor([0, 1, 0]))


def data_set(*, value: int = 0, label: int = 0, name: str = "a") -> DataSet:
    images = np.full((2, 3, 3), value, np.uint8)
    return resident_data_set("set", (images, np.array([0, 1])), (images, np.array([label, 1])), [name, "b"])


def test_a_split_tells_its_length_and_the_shape_of_its_images() -> None:
    assert (len(split()), split().shape) == (3, (2, 1, 2))


def test_batches_follow_the_order_and_the_last_one_is_short() -> None:
    batches = list(split().batches(torch.tensor([2, 0, 1]), 2, None))
    assert [labels.tolist() for _, labels in batches] == [[0, 0], [1]]
    assert batches[0][0].tolist() == [[[[8, 10]], [[9, 11]]], [[[0, 2]], [[1, 3]]]]
    assert batches[0][0].dtype == torch.uint8


def test_a_batch_is_channels_last() -> None:
    images = ResidentSplit(torch.zeros(4, 5, 6, 3, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    batch, _ = next(images.batches(torch.arange(4), 4, None))
    assert batch.shape == (4, 3, 5, 6)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_a_selection_has_the_images_in_the_order_of_the_indices() -> None:
    chosen = split().select(torch.tensor([2, 1]))
    assert chosen.labels.tolist() == [0, 1]
    assert chosen.images[:, 0, 0, 0].tolist() == [8, 4]


def test_a_resident_split_is_its_own_evaluation_and_moves_as_a_whole() -> None:
    own = split()
    assert own.evaluation() is own
    moved = own.to(torch.device("meta"))
    assert moved.images.device.type == moved.labels.device.type == "meta"


def test_the_mean_image_is_the_mean_of_every_pixel() -> None:
    assert split().mean_image().tolist() == [[[4.0, 6.0]], [[5.0, 7.0]]]


@pytest.mark.parametrize("chunk_values", [1, 8, 2**24])
def test_channel_statistics_are_exact_whatever_the_chunk(chunk_values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "CHUNK_VALUES", chunk_values)
    mean, std = split().channel_stats()
    assert mean.tolist() == [5.0, 6.0]
    # 0, 2, ... 10 and 1, 3, ... 11: the population variance is 4 * (36 - 1) / 12.
    assert std.tolist() == pytest.approx([(35 / 3) ** 0.5] * 2)


def test_grey_arrays_without_a_channel_get_one() -> None:
    assert data_set().image_shape == (1, 3, 3)


def test_the_fingerprint_tells_pixels_labels_and_class_names_apart() -> None:
    prints = {data_set(**change).fingerprint for change in ({}, {"value": 1}, {"label": 1}, {"name": "c"})}
    assert len(prints) == 4
    assert data_set().fingerprint == data_set().fingerprint


def test_the_digits_are_1797_images_of_which_a_stratified_fifth_is_for_testing() -> None:
    digits = load_digits()
    assert (len(digits.train), len(digits.test), digits.image_shape) == (1438, 359, (1, 8, 8))
    assert digits.classes == tuple("0123456789")
    assert torch.bincount(digits.test.labels).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_the_digits_reach_from_0_to_255() -> None:
    images, _ = next(load_digits().train.batches(torch.arange(1438), 1438, None))
    # Sixteenths of 255, rounded.
    assert sorted(set(images.flatten().tolist())) == [round(value * 255 / 16) for value in range(17)]


def test_the_digits_are_the_same_each_time() -> None:
    assert load_digits().fingerprint == load_digits().fingerprint
