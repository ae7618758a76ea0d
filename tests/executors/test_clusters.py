"""Executors of clusters, as far as one machine has them: Ray's own cluster, submitit's processes."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from errands import Errand, Prepared
from killing import Killing
from running import SEARCH, results, run

from sparsecnn.errors import ConfigError
from sparsecnn.executors import WorkerLostError
from sparsecnn.executors.ray_cluster import RayCluster
from sparsecnn.executors.sharing import packed, unpacked
from sparsecnn.executors.slurm import Slurm

TESTS = str(Path(__file__).parents[1])
# Workers load PyTorch again after each kill, which takes a busy machine long.
pytestmark = pytest.mark.timeout(900)


def test_large_contents_are_kept_apart_and_come_back_where_they_lie() -> None:
    large, small = torch.arange(50_000).view(100, 500), torch.ones(3)
    thing = {"large": large, "small": small, "text": b"x" * 200_000, "turned": large.t(), "bits": large > 7}
    parcel = packed(thing)
    assert len(parcel.letter) < 100_000
    sizes = sorted(content.nbytes for content in parcel.contents)
    assert sizes[:2] == [200_000, 400_000]
    assert len(sizes) == 3  # a tensor that is not contiguous is copied
    again = unpacked(parcel.letter, parcel.contents)
    assert all(torch.equal(again[name], thing[name]) for name in ("large", "small", "turned", "bits"))
    assert again["text"] == thing["text"]
    assert np.shares_memory(again["large"].numpy(), large.numpy())


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers import lies where they look."""
    monkeypatch.setenv("PYTHONPATH", TESTS)


@pytest.mark.usefixtures("importable")
def test_actors_share_the_tasks_and_those_that_are_killed_are_replaced(tmp_path: Path) -> None:
    kills = tmp_path / "kills"
    kills.write_text("2")
    with RayCluster(workers=2).start(Prepared(torch.zeros(100_000))) as pool:
        done = dict(pool.results([Errand(0), Errand(1, kills), Errand(2), Errand(3)]))
        assert {place: result["number"] for place, result in done.items()} == {place: place for place in range(4)}
        assert os.getpid() not in {result["process"] for result in done.values()}
        assert {result["threads"] for result in done.values()} == {1}
        with pytest.raises(RuntimeError, match="OddError: it failed"):
            list(pool.results([Errand(0, fails=True)]))
        kills.write_text("100")
        with pytest.raises(WorkerLostError, match="errand 1 ended its worker 5 times"):
            list(pool.results([Errand(1, kills)]))


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with (
        pytest.raises(ConfigError, match=r"executor=ray: no cluster at 127\.0\.0\.1:1: "),
        RayCluster(address="127.0.0.1:1").start(Prepared(torch.zeros(1))),
    ):
        pass


def test_gpus_that_a_cluster_of_this_machine_lacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 1.0})
    with (
        pytest.raises(ConfigError, match=r"executor\.gpus is 0\.5, and the cluster that is started here has 0"),
        RayCluster(workers=1, gpus=0.5).start(Prepared(torch.zeros(1))),
    ):
        pass


def test_actors_end_with_the_same_table_whichever_are_killed(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=2"]
    here = run(tmp_path / "here", "greedy_search", options)
    killing = Killing(4.0, most=3)
    killing.start()
    there = run(tmp_path / "there", "greedy_search", [*options, "executor=ray", "executor.workers=2"])
    killing.is_over = True
    killing.join()
    assert killing.count > 0
    pd.testing.assert_frame_equal(results(here.table), results(there.table))


@pytest.mark.usefixtures("importable")
def test_jobs_of_a_queue_do_the_tasks_and_lost_ones_again(tmp_path: Path) -> None:
    kills = tmp_path / "kills"
    kills.write_text("1")
    queue = Slurm(jobs=2, cluster="local", folder=str(tmp_path / "jobs"), parameters={"timeout_min": 2, "mem_gb": None})
    with queue.start(Prepared(torch.zeros(100_000))) as pool:
        done = dict(pool.results([Errand(0, kills), Errand(1)]))
    assert {place: result["number"] for place, result in done.items()} == {0: 0, 1: 1}
    assert kills.read_text() == "0"
    largest = max(path.stat().st_size for path in (tmp_path / "jobs").iterdir())
    assert largest < 100_000  # the data is read where the job runs


def test_a_parameter_that_submitit_does_not_know_is_refused(tmp_path: Path) -> None:
    queue = Slurm(cluster="local", folder=str(tmp_path), parameters={"walltime": 2})
    with pytest.raises(ConfigError, match="executor=submitit: "):
        queue.start(Prepared(torch.zeros(1)))


def test_without_slurm_nothing_runs_unless_it_is_asked_to_run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"there is no Slurm here; executor\.cluster=local"):
        Slurm(folder=str(tmp_path)).start(Prepared(torch.zeros(1)))
