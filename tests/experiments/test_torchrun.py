"""Experiments whose networks are trained by several processes together, each with its part of every batch."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from running import QUICK, ROUNDED, SEARCH, run

from sparsecnn.data import FlipAndCrop
from sparsecnn.errors import ConfigError
from sparsecnn.models import read_tensors
from sparsecnn.training.batches import Part


def torchrun(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in two processes."""
    started = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "sparsecnn"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*started, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )


def test_two_processes_train_the_networks_that_one_trains(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "augment=crop", "training.loss_every=5"]
    run(tmp_path / "alone", "greedy_search", options)
    done = torchrun("greedy-search", *options, "executor=torchrun", "run_dir=together", "-q", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    alone, together = (pd.read_csv(tmp_path / name / "table.csv") for name in ("alone", "together"))
    pd.testing.assert_frame_equal(together.drop(columns=ROUNDED), alone.drop(columns=ROUNDED))
    assert together.val_loss.tolist() == pytest.approx(alone.val_loss.tolist(), rel=1e-3)
    weights = [read_tensors(tmp_path / name / "base_seed0.safetensors") for name in ("alone", "together")]
    for name, value in weights[0].items():
        assert torch.allclose(weights[1][name], value, rtol=1e-3, atol=1e-5)
    for table in ("epochs.csv", "losses.csv"):
        losses = [pd.read_csv(tmp_path / name / table).train_loss for name in ("alone", "together")]
        assert losses[1].tolist() == pytest.approx(losses[0].tolist(), rel=1e-3)


def test_candidates_that_two_processes_go_on_with_have_the_epochs_of_one(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "tighten=factor", "search.retrain.epochs=2", "search.halving=0.5"]
    run(tmp_path / "alone", "greedy_search", options)
    done = torchrun("greedy-search", *options, "executor=torchrun", "run_dir=together", "-q", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    alone, together = (pd.read_csv(tmp_path / name / "epochs.csv") for name in ("alone", "together"))
    assert together.key.tolist() == alone.key.tolist()
    for column in ("train_loss", "train_accuracy"):
        assert together[column].tolist() == pytest.approx(alone[column].tolist(), rel=2e-3)


def test_a_batch_is_dealt_out_whole_and_its_images_are_cut_as_they_would_be_in_one() -> None:
    order, parts = torch.randperm(23, generator=torch.Generator().manual_seed(0)), [Part(rank, 2) for rank in (0, 1)]
    halves = [part.of(order, 8).split(4) for part in parts]
    for number, batch in enumerate(order.split(8)[:2]):
        assert sorted(torch.cat([half[number] for half in halves]).tolist()) == sorted(batch.tolist())
    last = torch.cat([half[2] for half in halves]).tolist()
    assert sorted(last) == sorted([*order[16:].tolist(), int(order[0])])  # filled up with the first image
    images = torch.randint(0, 256, (8, 1, 6, 6), dtype=torch.uint8)
    augment = FlipAndCrop(pad=1)
    whole = augment(images, torch.Generator().manual_seed(3))
    for part in parts:
        own = part.augmented(images[part.rank :: 2], augment, torch.Generator().manual_seed(3))
        assert torch.equal(own, whole[part.rank :: 2])


def test_the_executor_is_for_commands_that_torchrun_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="executor=torchrun is for commands that torchrun starts"):
        run(tmp_path, "train", [*QUICK, "executor=torchrun"])
