"""Mirrors and cuts, against one image at a time."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from sparsecnn.data import FlipAndCrop, cutting
from sparsecnn.errors import ConfigError


def numbered(count: int, channels: int, height: int, width: int) -> Tensor:
    """Images whose pixels all differ from their neighbours and from the padding."""
    values = torch.arange(count * channels * height * width) % 255 + 1
    return values.to(torch.uint8).view(count, height, width, channels).permute(0, 3, 1, 2)


def one_by_one(images: Tensor, pad: int, flip: bool, generator: torch.Generator) -> Tensor:
    """The same draws, applied by padding, mirroring and slicing."""
    count, _, height, width = images.shape
    mirrored = torch.rand(count, 1, generator=generator) < 0.5 if flip else torch.zeros(count, 1, dtype=torch.bool)
    offsets = torch.zeros(2, count, 1, dtype=torch.int64)
    if pad:
        offsets = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator)
    cut = []
    for index, image in enumerate(images):
        top, left = int(offsets[0, index]), int(offsets[1, index])
        # The columns of a cut are mirrored inside the frame, so the padding is put around the mirrored image.
        source = image.flip(-1) if mirrored[index] else image
        if mirrored[index]:
            left = 2 * pad - left
        framed = torch.nn.functional.pad(source, (pad, pad, pad, pad))
        cut.append(framed[:, top : top + height, left : left + width])
    return torch.stack(cut)


@given(
    count=st.integers(1, 5),
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    pad=st.integers(0, 3),
    flip=st.booleans(),
    seed=st.integers(0, 100),
)
def test_all_ways_to_cut_equal_padding_and_slicing_image_by_image(
    count: int, channels: int, height: int, width: int, pad: int, flip: bool, seed: int
) -> None:
    assume(pad or flip)
    images, augment = numbered(count, channels, height, width), FlipAndCrop(pad, flip)
    expected = one_by_one(images, pad, flip, torch.Generator().manual_seed(seed))
    assert torch.equal(augment(images, torch.Generator().manual_seed(seed)), expected)
    draws = augment.draw(count, torch.Generator().manual_seed(seed))
    for cut in (cutting.in_c, cutting.copied, cutting.gathered):  # the last is what a GPU does
        assert torch.equal(cut(images.permute(0, 2, 3, 1), pad, *draws).permute(0, 3, 1, 2), expected)


def test_without_a_compiler_images_are_cut_in_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    images, draws = numbered(3, 1, 4, 4), (torch.ones(3, 1, dtype=torch.bool), torch.full((2, 3, 1), 2))
    in_c = FlipAndCrop(pad=2).cut(images, *draws)
    monkeypatch.setattr(cutting, "compiled", lambda: None)
    monkeypatch.setattr(cutting, "in_c", None)
    assert torch.equal(FlipAndCrop(pad=2).cut(images, *draws), in_c)


def test_the_result_is_bytes_channels_last() -> None:
    got = FlipAndCrop(pad=2)(numbered(4, 3, 8, 8), torch.Generator().manual_seed(0))
    assert got.dtype == torch.uint8
    assert got.is_contiguous(memory_format=torch.channels_last)


def test_every_image_is_cut_at_its_own_place() -> None:
    same = numbered(1, 3, 8, 8).expand(64, 3, 8, 8)
    got = FlipAndCrop(pad=2, flip=False)(same, torch.Generator().manual_seed(0))
    assert len({image.numpy().tobytes() for image in got}) > 10


def test_about_half_of_the_images_are_mirrored() -> None:
    image = numbered(1, 1, 1, 3)
    got = FlipAndCrop()(image.expand(1000, 1, 1, 3), torch.Generator().manual_seed(0))
    mirrored = sum(torch.equal(one, image[0].flip(-1)) for one in got)
    assert mirrored + sum(torch.equal(one, image[0]) for one in got) == 1000
    assert 450 < mirrored < 550


def test_all_chance_comes_from_the_generator() -> None:
    images, state = numbered(16, 3, 8, 8), torch.get_rng_state()
    first, again, other = (FlipAndCrop(pad=4)(images, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_values_that_do_nothing_or_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="do nothing"):
        FlipAndCrop(pad=0, flip=False)
    with pytest.raises(ConfigError, match="at least 0, got -1"):
        FlipAndCrop(pad=-1)
