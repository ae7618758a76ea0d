"""Labels of images and of pixels: what is right, and what counts."""

from pathlib import Path

import pytest
import torch
from running import run
from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.training.answers import ImageAnswers, PixelAnswers, rarities, shares_right

PIXELS = ["data=qtips", "data.train=24", "data.test=8", "data.size=16", "model=pixel_net", "model.widths=[2,2]"]
SHORT = ["model.steps=1", "solver=pixels", "solver.epochs=2", "threads=1", "validation.share=0.25"]


def test_the_share_of_right_labels_is_that_of_each_image() -> None:
    scores, labels = torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.tensor([1, 1])
    assert shares_right(scores, labels).tolist() == [1, 0]
    assert shares_right(torch.stack([scores, scores.flip(0)]), labels.expand(2, 2)).tolist() == [[1, 0], [0, 1]]
    of_pixels = scores.view(1, 2, 1, 2)  # class 0 scores 1 and 2 at the two pixels, class 1 the other way round
    assert shares_right(of_pixels, torch.tensor([[[1, 1]]])).tolist() == [0.5]


def test_accuracy_of_pixels_is_the_mean_intersection_over_union() -> None:
    labels = torch.tensor([[[0, 0, 0], [1, 1, 2]]])
    found = torch.tensor([[[0, 0, 1], [1, 0, 2]]])
    scores = nn.functional.one_hot(found, 4).permute(0, 3, 1, 2).float()
    answers = PixelAnswers()
    for half in (slice(0, 1), slice(1, 2)):  # batches
        answers.add(scores[:, :, half], labels[:, half])
    # Class 3 neither is there nor is found.
    assert answers.accuracies() == [(pytest.approx(100 * (2 / 4 + 1 / 3 + 1) / 3), None)]


def test_five_guesses_are_counted_of_more_than_ten_classes() -> None:
    scores, labels = torch.arange(22.0).view(2, 11) % 11, torch.tensor([10, 5])
    answers = ImageAnswers(torch.device("cpu"), 2)
    answers.add(torch.stack([scores, scores.roll(1, dims=1)]), labels)
    assert answers.accuracies() == [(50.0, 50.0), (0.0, 50.0)]
    answers.add(scores.expand(2, 2, 11), torch.tensor([6, 10]))
    assert answers.accuracies() == [(50.0, 75.0), (25.0, 75.0)]
    few = ImageAnswers(torch.device("cpu"))
    few.add(scores[:, 1:], torch.tensor([9, 0]))
    assert few.accuracies() == [(50.0, None)]


def test_rare_classes_count_more() -> None:
    assert rarities(torch.tensor([[0, 0, 0, 1]])).tolist() == [0.25, 0.75]


def test_a_network_of_pixels_is_trained_searched_and_goes_on(tmp_path: Path) -> None:
    table = run(tmp_path / "a", "train", [*PIXELS, *SHORT, "seeds=[0,1]"]).table
    assert table.status.tolist() == ["ok", "ok"]
    assert table.val_accuracy.between(0, 100).all()
    searched = run(tmp_path / "b", "greedy_search", [*PIXELS, *SHORT, "search.rounds=1", "search.retrain.epochs=0.5"])
    base = searched.table[searched.table.phase == "base"].iloc[0]
    assert (searched.table[searched.table.phase == "candidate"].memory_bytes < base.memory_bytes).all()


def test_images_are_not_moved_away_from_the_labels_of_their_pixels(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="augment must be none"):
        run(tmp_path, "train", [*PIXELS, *SHORT, "augment=flip", "+solver.augment=${augment}"])


def test_a_network_of_images_does_not_do_for_labels_of_pixels(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must return \[N, 4, 16, 16\] class scores, got \(2, 4\) for N = 2"):
        run(tmp_path, "train", [*PIXELS[:4], "model=small_cnn", *SHORT[1:]])


def test_networks_of_pixels_are_not_trained_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be trained 2 at a time: its loss weighs classes"):
        run(tmp_path / "a", "train", [*PIXELS, *SHORT, "seeds=[0,1]", "training.cohort=2"])
    with pytest.raises(ConfigError, match="cannot be trained 2 at a time: it scores pixels"):
        options = [*PIXELS, *SHORT, "solver.class_weights=equal", "seeds=[0,1]", "training.cohort=2"]
        run(tmp_path / "b", "train", options)
