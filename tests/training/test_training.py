"""The training loop, evaluation, snapshots and telemetry, on networks of a few weights."""

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sparsecnn import regularizers, solvers
from sparsecnn.data import FlipAndCrop, ResidentSplit, standardize
from sparsecnn.errors import ConfigError, DivergedError, SparsecnnError
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training import Epoch, Evaluation, Observer, Placement, Snapshots, Trainer, evaluate, place
from sparsecnn.training.telemetry import layer_epochs, supports

CPU = Placement(torch.device("cpu"))


def split(count: int = 32) -> ResidentSplit:
    """Images of 4 x 4 pixels that are bright above or bright below."""
    labels = torch.arange(count) % 2
    images = torch.randint(0, 100, (count, 4, 4, 1), generator=torch.Generator().manual_seed(0))
    images[labels == 0, :2] += 120
    images[labels == 1, 2:] += 120
    return ResidentSplit(images.to(torch.uint8), labels)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32, 2))


def solver(**changes: Any) -> Solver:
    values: dict[str, Any] = {
        "optimizer": functools.partial(torch.optim.SGD, momentum=0.9),
        "learning_rate": 0.05,
        "schedule": solvers.fixed,
        "batch_size": 8,
        "epochs": 4,
        "augment": FlipAndCrop(pad=1),
        **changes,
    }
    return Solver(**values)


def trainer() -> Trainer:
    return Trainer(split(), standardize(split()), CPU)


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


def test_a_training_stopped_between_epochs_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill_in_third_epoch(done: int, total: int) -> None:
        if done == 10:
            raise KilledError

    budgets = {"4": 20}
    whole, stopped = net(), net()
    trainer().train_(whole, solver(), regularizers.l0_projection(budgets), seed=3, observer=Observer())
    snapshots = Snapshots(tmp_path / "a.resume.pt")
    with pytest.raises(KilledError):
        trainer().train_(
            stopped,
            solver(),
            regularizers.l0_projection(budgets),
            seed=3,
            observer=Observer(on_step=kill_in_third_epoch),
            snapshots=snapshots,
        )
    afresh, told = net(), list[Epoch]()
    epochs = trainer().train_(
        afresh,
        solver(),
        regularizers.l0_projection(budgets),
        seed=3,
        observer=Observer(on_epoch=told.append),
        snapshots=snapshots,
    )
    assert [epoch.epoch for epoch in told] == [3]
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
    for left, right in zip(whole.parameters(), afresh.parameters(), strict=True):
        assert torch.equal(left, right)
    snapshots.clear()
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 13])
@pytest.mark.parametrize("every", [1, 3])
def test_a_training_stopped_behind_any_step_goes_on_with_the_same_numbers(
    tmp_path: Path, stop: int, every: int
) -> None:
    def trained(**options: Any) -> tuple[nn.Module, tuple[Epoch, ...]]:
        model, projection = net(), regularizers.l0_projection({"4": 20}, every=every)
        observer = Observer(on_step=lambda done, total: steps.append(done))
        return model, trainer().train_(model, solver(), projection, seed=3, observer=observer, **options)

    steps: list[int] = []
    whole, its_epochs = trained()
    assert steps == list(range(1, 17))
    steps.clear()
    snapshots = Snapshots(tmp_path / "a.resume.pt")
    stopped, _ = trained(snapshots=snapshots, stop=stop)
    assert steps == list(range(1, stop + 1))
    assert int(prunable_weights(stopped)["4"].count_nonzero()) == 20
    resumed, epochs = trained(snapshots=snapshots)
    assert steps == list(range(1, 17))
    assert epochs == its_epochs
    for left, right in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right)


OTHERS = {"optimizer": {}, "global_generator": torch.get_rng_state(), "cuda_generators": [], "progress": {}}


@pytest.mark.parametrize(
    "content",
    [
        b"half of a file",
        {"model": {}, "epoch": 3},
        {"model": {"0.weight": torch.zeros(1)}, **OTHERS},
        {"model": net().state_dict(), **OTHERS},
    ],
    ids=["damaged", "of another version", "of another network", "of another optimizer"],
)
def test_an_unreadable_snapshot_counts_as_none(tmp_path: Path, content: Any) -> None:
    snapshots = Snapshots(tmp_path / "a.resume.pt")
    if isinstance(content, bytes):
        snapshots.path.write_bytes(content)
    else:
        torch.save(content, snapshots.path)
    steps: list[int] = []
    observer = Observer(on_step=lambda done, total: steps.append(done))
    trainer().train_(net(), solver(epochs=1), regularizers.none({}), seed=1, observer=observer, snapshots=snapshots)
    assert steps == [1, 2, 3, 4]


def test_a_snapshot_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "a.resume.pt")
    snapshots.path.mkdir()
    with pytest.raises(SparsecnnError, match=r"a\.resume\.pt cannot be written: is the disk full\?"):
        trainer().train_(net(), solver(), regularizers.none({}), seed=1, observer=Observer(), snapshots=snapshots)
    assert [path.name for path in tmp_path.iterdir()] == ["a.resume.pt"]


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
