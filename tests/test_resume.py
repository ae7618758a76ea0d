"""A search that is killed, interrupted or started twice, by real processes."""

import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from commands import sparsecnn, started

SEARCH = [
    "greedy-search",
    "threads=1",
    "validation.share=0.2",
    "solver.epochs=4",
    "search.retrain.epochs=2",
    "solver@search.refine=refine",
    "search.refine.epochs=3",
    "search.rounds=3",
    "training.loss_every=3",
    "run_dir=run",
    "--quiet",
]
# Two columns say how long it took and when; all others are results.
UNMEASURED = ["train_seconds", "started_at"]
KILLS = 3
WAYS = {"one process": [], "several processes": ["executor=local", "executor.workers=2"]}


def finished_rows(folder: Path) -> int:
    """Finished networks in the store, 0 before there is one."""
    try:
        with sqlite3.connect(f"file:{folder}/run/results.sqlite?mode=ro", uri=True) as connection:
            found = connection.execute("SELECT COUNT(*) FROM candidates WHERE status = 'ok'").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(found[0])


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits until `condition` holds or the process has ended."""
    deadline = time.monotonic() + 100
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def results(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "run" / name).drop(columns=UNMEASURED, errors="ignore")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search that ran through."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = sparsecnn(*SEARCH, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_a_search_killed_at_random_instants_ends_with_the_same_table(
    tmp_path: Path, undisturbed: Path, way: str
) -> None:
    search = [*SEARCH, *WAYS[way]]
    seed = random.SystemRandom().randrange(2**32)
    instants = random.Random(seed)
    for _ in range(KILLS):
        before = finished_rows(tmp_path)
        process = started(*search, folder=tmp_path)
        further = instants.randrange(5)
        wait_for(lambda before=before, further=further: finished_rows(tmp_path) >= before + further, process)
        time.sleep(instants.uniform(0.0, 0.5))
        process.kill()
        process.communicate()
    done = sparsecnn(*search, folder=tmp_path)
    assert done.returncode == 0, f"{done.stderr} (seed {seed})"
    table, expected = results(tmp_path, "table.csv"), results(undisturbed, "table.csv")
    pd.testing.assert_frame_equal(table, expected, check_exact=True, obj=f"table (seed {seed})")
    keys = {
        "epochs.csv": ["key", "epoch"],
        "layer_epochs.csv": ["key", "epoch", "layer"],
        "losses.csv": ["key", "step"],
    }
    for name, key in keys.items():
        frames = [results(folder, name).sort_values(key, ignore_index=True) for folder in (tmp_path, undisturbed)]
        pd.testing.assert_frame_equal(*frames, check_exact=True, obj=f"{name} (seed {seed})")
    kept = [
        sorted(path.name for path in (folder / "run" / "checkpoints").iterdir()) for folder in (tmp_path, undisturbed)
    ]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_saves_exits_with_130_and_goes_on(
    tmp_path: Path, undisturbed: Path, number: signal.Signals, way: str
) -> None:
    process = started(*SEARCH, *WAYS[way], folder=tmp_path)
    wait_for(lambda: finished_rows(tmp_path) >= 2, process)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr == "interrupted; what is finished is saved, and the same command goes on from here\n"
    stopped = results(tmp_path, "table.csv")
    assert (stopped.status == "ok").sum() >= 2
    done = sparsecnn(*SEARCH, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(results(tmp_path, "table.csv"), results(undisturbed, "table.csv"), check_exact=True)


def test_no_worker_outlives_a_killed_search(tmp_path: Path) -> None:
    process = started(*SEARCH, "solver.epochs=4000", *WAYS["several processes"], folder=tmp_path)
    wait_for(lambda: len(workers_of(process.pid)) > 0 and (tmp_path / "run" / "run.log").exists(), process)
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def workers_of(process: int) -> list[str]:
    """The processes that it has started."""
    return [child for file in Path(f"/proc/{process}/task").glob("*/children") for child in file.read_text().split()]


def test_a_second_process_stops_at_once_and_harms_nothing(tmp_path: Path) -> None:
    first = started(*SEARCH, "solver.epochs=4000", folder=tmp_path)
    wait_for((tmp_path / "run" / "results.sqlite").exists, first)
    second = sparsecnn(*SEARCH, "solver.epochs=4000", folder=tmp_path)
    assert second.returncode == 1
    assert second.stderr == "error: another process is working on run; wait for it, or choose another run_dir\n"
    assert first.poll() is None
    first.send_signal(signal.SIGTERM)
    first.communicate()
    assert first.returncode == 130
    assert results(tmp_path, "table.csv").status.tolist() == ["interrupted"]
