"""Experiments whose networks are trained in processes beside this one."""

from pathlib import Path

import pandas as pd
import pytest
from running import QUICK, SEARCH, Counting, results, run

from sparsecnn.errors import DivergedError


def test_processes_beside_this_one_end_with_the_same_table_and_weights(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=2", "solver@search.refine=refine", "search.refine.epochs=0.5", "seeds=[0,1]"]
    here = run(tmp_path / "here", "greedy_search", options)
    beside = run(tmp_path / "beside", "greedy_search", [*options, "executor=local", "executor.workers=2"])
    pd.testing.assert_frame_equal(results(here.table), results(beside.table))
    for name in ("epochs.csv", "layer_epochs.csv"):
        frames = [pd.read_csv(tmp_path / folder / name).drop(columns="run") for folder in ("here", "beside")]
        pd.testing.assert_frame_equal(*frames)
    for key in here.table[here.table.accepted].key:
        files = [tmp_path / folder / "checkpoints" / f"{key}.safetensors" for folder in ("here", "beside")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_seeds_are_trained_side_by_side(tmp_path: Path) -> None:
    options = [*QUICK, "seeds=[0,1,2]", "training.loss_every=5"]
    here = run(tmp_path / "here", "train", options)
    progress = Counting()
    beside = run(tmp_path / "beside", "train", [*options, "executor=local", "executor.workers=2"], progress)
    assert progress.steps == (3, 3)
    pd.testing.assert_frame_equal(results(here.table), results(beside.table))
    losses = [pd.read_csv(tmp_path / folder / "losses.csv").drop(columns="run") for folder in ("here", "beside")]
    assert losses[0].groupby("key", sort=False).step.max().tolist() == here.table.steps.tolist()
    pd.testing.assert_frame_equal(*losses)


def test_the_epochs_of_a_network_that_failed_later_are_kept_wherever_it_was_trained(tmp_path: Path) -> None:
    options = [*QUICK, "solver.epochs=4", "seeds=[0,1]", "regularizer._target_=errands.PoisonedLate"]
    epochs = []
    for name, executor in (("here", "serial"), ("beside", "local")):
        with pytest.raises(DivergedError):
            run(tmp_path / name, "train", [*options, f"executor={executor}"])
        epochs.append(pd.read_csv(tmp_path / name / "epochs.csv").drop(columns="run"))
    pd.testing.assert_frame_equal(*epochs)
    assert epochs[0].epoch.tolist() == [1, 2, 1, 2]
