"""The stratified draws of a validation split and of a part of train."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsecnn.data import ResidentSplit, StreamedSplit, cut_train, cut_validation, hold_out
from sparsecnn.errors import ConfigError

LABELS = st.lists(st.integers(0, 4), min_size=8, max_size=80)


def possible(labels: list[int], total: int) -> bool:
    return 1 <= total <= len(labels) - len(set(labels))


@given(labels=LABELS, share=st.floats(0.01, 0.99), seed=st.integers(0, 9))
def test_a_draw_parts_all_indices_and_holds_out_exactly_the_share(labels: list[int], share: float, seed: int) -> None:
    total = round(len(labels) * share)
    if not possible(labels, total):
        with pytest.raises(ConfigError, match="cannot be held out"):
            hold_out(torch.tensor(labels), share, seed)
        return
    stays, held = (part.tolist() for part in hold_out(torch.tensor(labels), share, seed))
    assert len(held) == total
    assert sorted(stays + held) == list(range(len(labels)))
    assert stays == sorted(stays)
    assert held == sorted(held)
    assert {labels[index] for index in stays} == set(labels)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=40), seed=st.integers(0, 9))
def test_every_class_gives_its_share_to_within_one_image(labels: list[int], seed: int) -> None:
    labels = labels * 4  # so that a quarter never takes the last image of a class
    _, held = hold_out(torch.tensor(labels), 0.25, seed)
    counts = Counter(labels[index] for index in held.tolist())
    assert counts == {label: count // 4 for label, count in Counter(labels).items()}


@given(labels=LABELS, count=st.integers(1, 80))
def test_a_count_is_held_out_exactly(labels: list[int], count: int) -> None:
    if possible(labels, count):
        assert len(hold_out(torch.tensor(labels), count, 0)[1]) == count


def test_the_largest_remainders_give_the_images_that_rounding_left_over() -> None:
    labels = torch.tensor([0] * 6 + [1] * 7 + [2] * 7)
    # A tenth is 0.6, 0.7 and 0.7 images, 2 in all.
    assert sorted(labels[hold_out(labels, 0.1, 0)[1]].tolist()) == [1, 2]


def test_classes_of_one_image_keep_it_and_the_others_give_for_them() -> None:
    labels = torch.tensor([*range(9), *[9] * 100])
    _, held = hold_out(labels, 0.2, 0)
    assert labels[held].tolist() == [9] * 22


def test_the_same_seed_draws_the_same_and_another_seed_another() -> None:
    labels = torch.arange(200) % 5
    first, again, other = (hold_out(labels, 0.1, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"share of a held-out split must be in \(0, 1\)"):
        hold_out(torch.tensor([0, 0, 1, 1]), share, 0)
    with pytest.raises(ConfigError, match=r"validation\.share must be in \[0, 1\)"):
        cut_validation(two_pixels(), share, 0)


@pytest.mark.parametrize("count", [0, 3, -1])
def test_a_count_that_the_classes_cannot_give_is_refused(count: int) -> None:
    with pytest.raises(ConfigError, match="1 to 2 can, as one of each of 2 classes stays"):
        hold_out(torch.tensor([0, 0, 1, 1]), count, 0)


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be at least 0, got -1"):
        hold_out(torch.tensor([0, 0, 1, 1]), 0.5, -1)


def test_the_validation_part_has_the_images_that_train_lacks() -> None:
    train, validation = cut_validation(two_pixels(), 0.25, 0)
    assert (len(train), len(validation)) == (6, 2)
    assert sorted(train.labels.tolist() + validation.labels.tolist()) == [0] * 4 + [1] * 4


def two_pixels() -> ResidentSplit:
    return ResidentSplit(torch.zeros(8, 1, 1, 1, dtype=torch.uint8), torch.arange(8) % 2)


def numbered(labels: list[int]) -> ResidentSplit:
    """Images whose one pixel is their number."""
    return ResidentSplit(torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1), torch.tensor(labels))


def drawn(labels: list[int], share: float, seed: int = 0) -> list[int]:
    images: list[int] = cut_train(numbered(labels), share, seed).images.flatten().tolist()
    return images


def test_a_smaller_share_of_train_lies_within_a_larger_one_in_its_order() -> None:
    labels = [0] * 40 + [1] * 24 + [2] * 8
    parts = [drawn(labels, share) for share in (1 / 2, 1 / 4, 1 / 8, 1 / 16)]
    assert [Counter(labels[image] for image in part) for part in parts] == [
        {0: 20, 1: 12, 2: 4},
        {0: 10, 1: 6, 2: 2},
        {0: 5, 1: 3, 2: 1},
        {0: 3, 1: 2, 2: 1},  # half an image counts as one
    ]
    for larger, smaller in pairwise(parts):
        assert set(smaller) < set(larger)
        assert smaller == sorted(smaller)


@given(labels=LABELS, shares=st.tuples(st.floats(0.1, 0.99), st.floats(0.1, 0.99)), seed=st.integers(0, 9))
def test_shares_of_any_classes_are_nested(labels: list[int], shares: tuple[float, float], seed: int) -> None:
    labels = labels * 5
    small, large = (set(drawn(labels, share, seed)) for share in sorted(shares))
    assert small <= large


def test_another_seed_draws_another_part_of_train() -> None:
    labels = [0, 1] * 50
    assert drawn(labels, 0.2) == drawn(labels, 0.2) != drawn(labels, 0.2, seed=1)


def test_files_that_are_streamed_are_drawn_alike() -> None:
    labels = [0, 1] * 10
    paths = tuple(Path(str(number)) for number in range(20))
    split = cut_train(StreamedSplit(paths, torch.tensor(labels), 8, is_training=True, workers=0), 0.5, 0)
    assert isinstance(split, StreamedSplit)
    assert [int(path.name) for path in split.paths] == drawn(labels, 0.5)
    assert split.labels.tolist() == [labels[image] for image in drawn(labels, 0.5)]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_a_share_of_train_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"train_split\.share must be in \(0, 1\], got"):
        drawn([0, 0, 1, 1], share)


def test_a_part_of_train_keeps_an_image_of_every_class_or_is_refused() -> None:
    assert drawn([0] * 2 + [1] * 8, 0.25) != []
    with pytest.raises(ConfigError, match=r"train_split\.share = 0\.2 of the 2 images of class 0 is none"):
        drawn([0] * 2 + [1] * 8, 0.2)
    with pytest.raises(ConfigError, match=r"train_split\.seed must be at least 0, got -1"):
        drawn([0] * 2 + [1] * 8, 0.5, seed=-1)
