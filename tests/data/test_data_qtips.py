"""Q-tips: what is drawn, and what its labels say."""

import pytest
import torch

from sparsecnn.data import cut_train, cut_validation, load_qtips
from sparsecnn.errors import ConfigError


def test_every_image_has_one_bar_whose_pixels_are_of_the_class_of_its_ends() -> None:
    data = load_qtips(train=64, test=8, size=64)
    split = data.train
    assert (data.image_shape, data.label_shape, len(data.classes)) == ((1, 64, 64), (64, 64), 4)
    found = set()
    for image, labels in zip(split.images[..., 0], split.labels, strict=True):
        (kind,) = set(labels.unique().tolist()) - {0}
        greys = set(image.unique().tolist())
        assert greys - {112, 128} == [{255}, {255, 1}, {1}][kind - 1]
        assert torch.equal(labels == 0, image == 112)
        assert image[31:33, 31:33].eq(128).all(), "the middle is the bar's, where neither end is near"
        found.add(kind)
    assert found == {1, 2, 3}


def test_bars_are_as_long_as_the_source_says() -> None:
    labels = load_qtips(train=200, test=1).train.labels
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    far = torch.stack([(rows[bar] - 31.5).hypot(columns[bar] - 31.5).max() for bar in labels > 0])
    # Half of 32 to 59, and a corner of the end beside the axis.
    assert 15.5 <= float(far.min()) < 18 and 27 < float(far.max()) <= 29.6


def test_the_same_seed_draws_the_same_and_test_is_another_draw() -> None:
    first, again, other = (load_qtips(train=16, test=16, size=32, seed=seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert not torch.equal(first.train.images, first.test.images)


def test_validation_and_shares_are_drawn_from_all_images() -> None:
    split = load_qtips(train=40, test=1, size=16).train
    stays, held = cut_validation(split, 0.25, seed=0)
    assert (len(stays), len(held)) == (30, 10)
    assert len(cut_train(split, 0.5, seed=0)) == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "data.size must be at least 16, got 8"),
        ({"train": 0}, "data.train and data.test must be at least 1, got 0 and 256"),
        ({"seed": -1}, "data.seed must be at least 0, got -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_qtips(**options)
