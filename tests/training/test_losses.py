"""The training loss by steps: windows of exact numbers, alone, in a cohort, stopped and gone on with."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import cohorts
import pytest
import torch
from torch import nn

from sparsecnn import regularizers, solvers
from sparsecnn.data import ResidentSplit, standardize
from sparsecnn.solvers import Solver
from sparsecnn.training import Epoch, Member, Observer, Placement, Snapshots, StepLoss, Trainer, train_cohort_
from sparsecnn.training.losses import LossWindows

IMAGES, BATCH, STEPS = 30, 8, 16  # the last batch of an epoch of 4 has 6 images


def trainer(loss_every: int | None) -> Trainer:
    images = torch.randint(0, 256, (IMAGES, 4, 4, 1), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    split = ResidentSplit(images, torch.arange(IMAGES) % 2)
    return Trainer(split, standardize(split), Placement(torch.device("cpu")), loss_every)


def solver() -> Solver:
    return Solver(functools.partial(torch.optim.SGD, momentum=0.9), 0.05, solvers.fixed, BATCH, epochs=4)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(16, 2))


def trained(loss_every: int | None, **options: Any) -> tuple[nn.Module, tuple[Epoch, ...]]:
    model, observer = net(), options.pop("observer", Observer())
    regularizer = regularizers.l0_projection({"2": 20})
    return model, trainer(loss_every).train_(model, solver(), regularizer, seed=3, observer=observer, **options)


def losses(epochs: tuple[Epoch, ...]) -> list[StepLoss]:
    return [loss for epoch in epochs for loss in epoch.losses]


def add(windows: LossWindows, *batches: tuple[float, int, int]) -> None:
    for loss, images, step in batches:
        windows.add(torch.tensor(loss), images, step)


def test_a_window_is_the_mean_over_its_images_and_is_given_once() -> None:
    windows = LossWindows(2)
    add(windows, (1.0, 8, 1), (3.0, 8, 2), (5.0, 4, 3))
    assert windows.take_(is_last=False) == [(StepLoss(2, 2.0),)]
    assert windows.take_(is_last=False) == [()]
    add(windows, (2.0, 8, 4))
    assert windows.take_(is_last=False) == [(StepLoss(4, 3.0),)]


def test_the_end_of_a_training_closes_a_short_window() -> None:
    windows = LossWindows(4)
    add(windows, (1.0, 8, 1), (4.0, 4, 2))
    assert windows.take_(is_last=True) == [(StepLoss(2, 2.0),)]


def test_each_network_has_its_own_windows() -> None:
    windows = LossWindows(1, networks=2)
    windows.add(torch.tensor([1.0, 2.0]), 8, 1)
    windows.add(torch.tensor([3.0, 4.0]), 8, 2)
    assert windows.take_(is_last=False) == [
        (StepLoss(1, 1.0), StepLoss(2, 3.0)),
        (StepLoss(1, 2.0), StepLoss(2, 4.0)),
    ]


def test_a_window_as_long_as_an_epoch_is_the_loss_of_the_epoch() -> None:
    _, epochs = trained(4)
    assert losses(epochs) == [StepLoss(epoch.step, epoch.train_loss) for epoch in epochs]


def test_windows_are_counted_from_the_first_step_across_epochs() -> None:
    each = losses(trained(1)[1])
    assert [loss.step for loss in each] == list(range(1, STEPS + 1))
    images = [6 if step % 4 == 0 else 8 for step in range(1, STEPS + 1)]
    found = losses(trained(3)[1])
    assert [loss.step for loss in found] == [3, 6, 9, 12, 15, 16]
    for window in found:
        first = (window.step - 1) // 3 * 3
        part = list(zip(each, images, strict=True))[first : window.step]
        expected = sum(loss.train_loss * count for loss, count in part) / sum(count for _, count in part)
        assert window.train_loss == pytest.approx(expected, rel=1e-6)
    assert [[loss.step for loss in epoch.losses] for epoch in trained(3)[1]] == [[3], [6], [9, 12], [15, 16]]


def test_to_record_losses_changes_nothing_else() -> None:
    (plain, its_epochs), (recorded, epochs) = trained(None), trained(3)
    assert losses(its_epochs) == []
    assert tuple(dataclasses.replace(epoch, losses=()) for epoch in epochs) == its_epochs
    for left, right in zip(plain.parameters(), recorded.parameters(), strict=True):
        assert torch.equal(left, right)


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 13])
@pytest.mark.parametrize("every", [1, 3, 5, 100])
def test_a_training_that_stopped_and_goes_on_has_the_same_losses(tmp_path: Path, stop: int, every: int) -> None:
    snapshots = Snapshots(tmp_path / "a.resume.pt")
    trained(every, snapshots=snapshots, stop=stop)
    assert trained(every, snapshots=snapshots)[1] == trained(every)[1]


def test_a_training_that_was_killed_within_a_window_has_the_same_losses(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(done: int, total: int) -> None:
        if done == 10:
            raise KilledError

    snapshots = Snapshots(tmp_path / "a.resume.pt")
    with pytest.raises(KilledError):
        trained(3, snapshots=snapshots, observer=Observer(on_step=kill))
    assert trained(3, snapshots=snapshots)[1] == trained(3)[1]


def test_a_snapshot_of_before_there_were_losses_is_gone_on_with(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "a.resume.pt")
    trained(None, snapshots=snapshots, stop=6)
    state = torch.load(snapshots.path, weights_only=True)
    del state["progress"]["losses"]
    for epoch in state["progress"]["epochs"]:
        del epoch["losses"]
    torch.save(state, snapshots.path)
    assert trained(None, snapshots=snapshots)[1] == trained(None)[1]


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_a_cohort_records_the_losses_that_its_members_would_have_alone(every: int) -> None:
    data = dataclasses.replace(cohorts.trainer((1, 8, 8), torch.float64), loss_every=every)

    def members() -> list[Member]:
        return cohorts.members(lambda: cohorts.small().double())

    alone = [data.train_(m.model, cohorts.solver(), m.regularizer, seed=m.seed, observer=m.observer) for m in members()]
    together = train_cohort_(data, cohorts.solver(), members())
    for found, wanted in zip(together, alone, strict=True):
        assert isinstance(found, tuple)
        pairs = list(zip(losses(found), losses(wanted), strict=True))
        assert [loss.step for loss, _ in pairs] == sorted({*range(every, 6, every), 5})
        assert all(one.step == other.step for one, other in pairs)
        assert [one.train_loss for one, _ in pairs] == pytest.approx([other.train_loss for _, other in pairs], rel=1e-5)
