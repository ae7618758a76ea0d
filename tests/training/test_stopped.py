"""Trainings that stop and go on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training.small import net, solver, trainer

from sparsecnn import regularizers
from sparsecnn.errors import SparsecnnError
from sparsecnn.models import prunable_weights
from sparsecnn.training import Epoch, Observer, Snapshots


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
