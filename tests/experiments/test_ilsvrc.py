"""The ImageNet recipe on a small folder of images: streamed, by one process and by two, killed and gone on with."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import environment
from PIL import Image
from running import ROUNDED, UNMEASURED, run

CLASSES = 12
OPTIONS = [
    "experiment=caffenet_ilsvrc",
    "model=small_cnn",
    "data.size=16",
    "data.workers=0",
    "validation.share=0.2",
    "threads=1",
    "solver.batch_size=8",
    "solver.steps=24",
    "solver.learning_rate=1e-5",
    "search.start_memory=1/4.5",
    "search.target_memory=1/4",
    "search.start_training.batch_size=8",
    "search.start_training.epochs=2",
    "search.start_training.learning_rate=1e-5",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve classes, each with 8 train images and 2 of `val`, of 20 x 24 pixels."""
    root, noise = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 2)):
        for name in (f"n{number:02d}" for number in range(CLASSES)):
            (root / split / name).mkdir(parents=True)
            for image in range(count):
                pixels = noise.integers(0, 256, (20, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{image}.png")
    return root


def started(images: Path, run_dir: str, *options: str, folder: Path) -> subprocess.Popen[str]:
    """The search by two processes."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "sparsecnn"]
    search = ["greedy-search", *OPTIONS, f"data.folder={images}", "executor=torchrun", f"run_dir={run_dir}", *options]
    return subprocess.Popen(
        [*launcher, *search, "-q"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> None:
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr


def children_of(process: int) -> list[str]:
    return [child for file in Path(f"/proc/{process}/task").glob("*/children") for child in file.read_text().split()]


def finished_rows(run_dir: Path) -> int:
    with sqlite3.connect(f"file:{run_dir}/results.sqlite?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT COUNT(*) FROM candidates WHERE status = 'ok'").fetchone()
    connection.close()
    return int(found[0])


def test_two_processes_stream_the_images_that_one_streams(tmp_path: Path, folder: Path) -> None:
    alone = run(tmp_path / "alone", "greedy_search", [*OPTIONS, f"data.folder={folder}", "precision=float32"]).table
    finished(started(folder, "together", "precision=float32", folder=tmp_path))
    together = pd.read_csv(tmp_path / "together" / "table.csv")
    assert together.phase.tolist() == ["base", "start"]
    assert together.train_images.tolist() == [77, 77]
    assert together.memory_bytes.iloc[1] <= together.dense_bytes.iloc[1] / 4
    assert together.test_top5_accuracy.between(together.test_accuracy, 100).all()
    alone = pd.read_csv(tmp_path / "alone" / "table.csv")
    unlike = [*ROUNDED, "memory_bytes", "formats"]  # memory follows from where nonzeros lie
    pd.testing.assert_frame_equal(together.drop(columns=unlike), alone.drop(columns=unlike))
    assert together.val_loss.tolist() == pytest.approx(alone.val_loss.tolist(), rel=1e-3)


def test_two_killed_processes_go_on_in_mixed_precision_and_end_with_the_same_table(
    tmp_path: Path, folder: Path
) -> None:
    options = ["precision=bfloat16"]
    finished(started(folder, "undisturbed", *options, folder=tmp_path))
    killed = started(folder, "killed", *options, folder=tmp_path)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed" / "checkpoints").glob("*.resume.pt")):
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.01)
    trainers = children_of(killed.pid)
    killed.kill()
    killed.communicate()
    while any(Path(f"/proc/{trainer}").exists() for trainer in trainers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(trainers) == 2 and finished_rows(tmp_path / "killed") < 2
    finished(started(folder, "killed", *options, folder=tmp_path))
    tables = [pd.read_csv(tmp_path / name / "table.csv").drop(columns=UNMEASURED) for name in ("killed", "undisturbed")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
