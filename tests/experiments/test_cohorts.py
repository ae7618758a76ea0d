"""Experiments whose networks are trained together, as one over stacked parameters."""

from pathlib import Path

import pandas as pd
import pytest
from running import QUICK, ROUNDED, SEARCH, Counting, run

from sparsecnn.errors import ConfigError


def test_a_round_trained_as_a_cohort_is_the_round_trained_alone(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "tighten=factor", "training.loss_every=5"]
    alone = run(tmp_path / "alone", "greedy_search", options).table
    progress = Counting()
    cohort = run(tmp_path / "cohort", "greedy_search", [*options, "training.cohort=3"], progress).table
    assert progress.titles == ["base, seed 0", "round 1: conv1 and 2 more", "round 1: ip1 and 1 more"]
    pd.testing.assert_frame_equal(cohort.drop(columns=ROUNDED), alone.drop(columns=ROUNDED))
    assert cohort.val_loss.tolist() == pytest.approx(alone.val_loss.tolist(), rel=1e-3)
    assert cohort.val_accuracy.tolist() == pytest.approx(alone.val_accuracy.tolist(), abs=1.0)
    epochs = [pd.read_csv(tmp_path / name / "epochs.csv") for name in ("alone", "cohort")]
    assert epochs[1].val_loss.notna().all()
    assert epochs[1].train_loss.tolist() == pytest.approx(epochs[0].train_loss.tolist(), rel=1e-3)
    losses = [pd.read_csv(tmp_path / name / "losses.csv") for name in ("alone", "cohort")]
    assert losses[1].step.tolist() == losses[0].step.tolist()
    assert losses[1].train_loss.tolist() == pytest.approx(losses[0].train_loss.tolist(), rel=1e-3)


def test_workers_share_the_cohorts_of_a_round(tmp_path: Path) -> None:
    options = [*QUICK, "seeds=[0,1,2]", "training.cohort=2", "executor=local", "executor.workers=2"]
    table = run(tmp_path, "train", options).table
    assert set(table.status) == {"ok"}
    assert table.train_seconds.gt(0).all()


def test_a_diverging_member_is_a_failed_row_and_the_others_are_not(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "tighten=factor", "training.cohort=5", "search.retrain.learning_rate=1e20"]
    table = run(tmp_path, "greedy_search", options).table
    assert set(table[table.phase == "candidate"].status) == {"failed"}
    assert table[table.phase == "base"].status.tolist() == ["ok"]


def test_a_cohort_has_at_least_one_network(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.cohort must be auto or at least 1, got 0"):
        run(tmp_path, "train", [*QUICK, "training.cohort=0"])
