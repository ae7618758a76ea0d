"""The training loop, evaluation, snapshots and telemetry, on networks of a few weights."""

import functools
from typing import Any

import pytest
import torch
from torch import nn
from training.small import CPU, net, solver, split, trainer

from sparsecnn import regularizers
from sparsecnn.data import ResidentSplit, standardize
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.training import Epoch, Evaluation, Observer, Placement, Trainer, evaluate, evaluate_cohort, place
from sparsecnn.training.telemetry import layer_epochs, supports


def test_training_learns_and_stays_within_its_budgets() -> None:
    model, budgets = net(), {"0": 9, "4": 20}
    told: list[Epoch] = []
    measure = functools.partial(evaluate, split=split(), preprocess=standardize(split()), placement=CPU)
    observer = Observer(validate=measure, on_epoch=told.append)
    epochs = trainer().train_(model, solver(epochs=20), regularizers.l0_projection(budgets), seed=1, observer=observer)
    assert {name: int(weight.count_nonzero()) for name, weight in prunable_weights(model).items()} == budgets
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[-2].val_accuracy == 100.0
    assert epochs[-1].val_accuracy is None
    assert told == list(epochs[:-1])
    assert [epoch.epoch for epoch in epochs] == list(range(1, 21))
    assert [epoch.step for epoch in epochs] == [4 * number for number in range(1, 21)]
    assert {layer.layer: layer.nonzeros for layer in epochs[-1].layers} == budgets


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    def weights(seed: int) -> torch.Tensor:
        model = net()
        trainer().train_(model, solver(), regularizers.none({}), seed=seed, observer=Observer())
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_a_fraction_of_an_epoch_ends_in_its_middle() -> None:
    steps: list[tuple[int, int]] = []
    observer = Observer(on_step=lambda done, total: steps.append((done, total)))
    trainer().train_(net(), solver(epochs=1.5), regularizers.none({}), seed=1, observer=observer)
    assert steps == [(done, 6) for done in range(1, 7)]


def test_a_fixed_support_is_trained_as_under_a_fixed_mask_from_where_projection_left_it() -> None:
    def trained(regularizer: Regularizer) -> nn.Module:
        model = net()
        del model[3]  # dropout would draw other masks
        trainer().train_(model, solver(steps=12), regularizer, seed=3, observer=Observer())
        return model

    budgets = {"0": 4, "3": 12}
    projected = trained(regularizers.l0_projection(budgets))
    fixed = trained(regularizers.fixed_support(budgets, projected=0.5))
    from_start = regularizers.fixed_support(budgets, projected=0.0)
    sparse, masked = trained(from_start), trained(regularizers.threshold_fixed_mask(budgets))
    assert {name: int(mask.sum()) for name, mask in from_start.support.items()} == budgets
    for model in (projected, fixed, sparse):
        assert {name: int(weight.count_nonzero()) for name, weight in prunable_weights(model).items()} == budgets
    for left, right in zip(sparse.parameters(), masked.parameters(), strict=True):
        assert torch.allclose(left, right, rtol=1e-4, atol=1e-6)
    assert not any("forward" in vars(module) for module in sparse.modules())  # the kernels are put away


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    with pytest.raises(DivergedError, match=r"the loss is not finite at step \d+"):
        trainer().train_(net(), solver(learning_rate=1e30), regularizers.none({}), seed=1, observer=Observer())


def test_evaluation_counts_every_image_once() -> None:
    class FirstPixel(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert not self.training
            bright = images[:, 0, 0, 0] > 110
            return torch.stack([bright.float(), 1.0 - bright.float()], dim=1)

    data = split(1203)
    right = ((data.images[:, 0, 0, 0] > 110) == (data.labels == 0)).sum().item()
    model = FirstPixel()
    found = evaluate(model, data, preprocess=lambda images: images.float(), placement=CPU)
    assert found.accuracy == pytest.approx(100.0 * right / 1203)
    wrong = 1203 - right
    expected = (right * 0.3132617 + wrong * 1.3132617) / 1203
    assert found == Evaluation(found.accuracy, pytest.approx(expected, rel=1e-5))
    assert model.training


def test_five_guesses_count_where_there_are_more_than_ten_classes() -> None:
    class Fixed(nn.Module):
        """Scores of K classes that fall from the first to the last, whatever the image."""

        def __init__(self, classes: int) -> None:
            super().__init__()
            self.scores = nn.Parameter(-torch.arange(float(classes)))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.scores.expand(len(images), -1)

    data = split(1203)
    data = ResidentSplit(data.images, torch.arange(1203) % 12)
    measure = functools.partial(evaluate, preprocess=lambda images: images.float(), placement=CPU)
    found = measure(Fixed(12), data)
    first, five = (100.0 * int((data.labels < guesses).sum()) / 1203 for guesses in (1, 5))
    assert (found.accuracy, found.top5_accuracy) == (first, five)
    models = [Fixed(12), Fixed(12)]
    together = evaluate_cohort(models, data, preprocess=lambda images: images.float(), placement=CPU)
    assert [(one.accuracy, one.top5_accuracy) for one in together] == [(first, five)] * 2
    few = ResidentSplit(data.images, data.labels % 10)
    assert measure(Fixed(10), few).top5_accuracy is None


def test_turnover_is_the_share_of_kept_positions_that_are_new() -> None:
    before = supports({"a": torch.tensor([1.0, 1.0, 0.0, 0.0]), "b": torch.zeros(3)})
    after = supports({"a": torch.tensor([1.0, 0.0, 1.0, 0.0]), "b": torch.zeros(3)})
    rows = layer_epochs(before, after)
    assert [(row.layer, row.nonzeros, row.turnover) for row in rows] == [("a", 2, 0.5), ("b", 0, 0.0)]


def test_a_placement_is_chosen_by_name() -> None:
    assert place("cpu", threads=1) == CPU
    assert place("cpu", "bfloat16").mixed == torch.bfloat16
    assert place().device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_mixed_precision_trains_in_bfloat16_and_keeps_weights_in_float32() -> None:
    model = net()
    placement = Placement(torch.device("cpu"), torch.bfloat16)
    Trainer(split(), standardize(split()), placement).train_(
        model, solver(), regularizers.none({}), seed=1, observer=Observer()
    )
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float8"}, "precision must be auto, float32 or bfloat16, got float8"),
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"device": "tpu9"}, "device must be auto, cpu, cuda, mps, or one like cuda:1, got tpu9"),
    ],
)
def test_a_placement_that_is_not_there_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        place(**options)
    assert str(error.value).startswith(message)
