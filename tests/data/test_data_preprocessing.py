"""Bytes to a network's input."""

import pytest
import torch

from sparsecnn.data import (
    Preprocessing,
    ResidentSplit,
    imagenet,
    standardize,
    subtract_mean_image,
    unit_range,
)
from sparsecnn.errors import ConfigError


def split(*values: int, channels: int = 1) -> ResidentSplit:
    """Images of 1 x 1 pixel."""
    images = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 1, channels)
    return ResidentSplit(images, torch.zeros(len(values), dtype=torch.int64))


def batch(*values: int, channels: int = 1) -> torch.Tensor:
    return split(*values, channels=channels).images.permute(0, 3, 1, 2)


def test_standardized_pixels_have_mean_zero_and_deviation_one() -> None:
    assert standardize(split(10, 30))(batch(10, 30)).flatten().tolist() == [-1.0, 1.0]


def test_a_constant_channel_is_only_moved() -> None:
    assert standardize(split(7, 7))(batch(7, 9)).flatten().tolist() == [0.0, 2.0]


def test_the_mean_image_is_subtracted_without_scaling() -> None:
    images = torch.tensor([[[[0], [10]]], [[[20], [50]]]], dtype=torch.uint8)  # [N, H, W, C]
    prepared = subtract_mean_image(ResidentSplit(images, torch.zeros(2, dtype=torch.int64)))
    assert prepared(images.permute(0, 3, 1, 2)).flatten().tolist() == [-10.0, -20.0, 10.0, 20.0]


def test_the_unit_range_is_a_256th() -> None:
    assert unit_range(split(0))(batch(0, 1, 255)).flatten().tolist() == [0.0, 0.00390625, 0.99609375]


def test_imagenet_takes_the_numbers_of_torchvisions_networks() -> None:
    got = imagenet(split(0, channels=3))(batch(255, channels=3)).flatten()
    assert got.tolist() == pytest.approx([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])


def test_imagenet_is_refused_for_grey_images() -> None:
    with pytest.raises(ConfigError, match="3 channels, got 1"):
        imagenet(split(0))


def test_the_result_is_float32_channels_last_and_the_input_is_kept() -> None:
    images = torch.full((2, 4, 5, 3), 9, dtype=torch.uint8).permute(0, 3, 1, 2)
    got = Preprocessing(torch.ones(3, 1, 1), torch.full((3, 1, 1), 0.5))(images)
    assert got.dtype == torch.float32
    assert got.is_contiguous(memory_format=torch.channels_last)
    assert got.unique().tolist() == [4.0]
    assert images.unique().tolist() == [9]


def test_both_tensors_move_to_the_device() -> None:
    moved = unit_range(split(0)).to(torch.device("meta"))
    assert moved.offset.device.type == moved.scale.device.type == "meta"
