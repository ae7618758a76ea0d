"""Executors, with real processes that are killed."""

import os
import time
from pathlib import Path
from threading import Event, Thread

import pytest
import torch
from errands import Errand, Prepared

from sparsecnn.errors import ConfigError
from sparsecnn.executors import Local, PoolClosedError, Serial, WorkerLostError
from sparsecnn.executors.crew import Crew


def test_a_single_process_runs_tasks_in_their_order() -> None:
    with Serial().start(Prepared(torch.zeros(3))) as pool:
        done = list(pool.results([Errand(2), Errand(0)]))
    assert [(place, result["number"]) for place, result in done] == [(0, 2), (1, 0)]
    assert {result["process"] for _, result in done} == {os.getpid()}


def test_processes_share_the_tasks_the_data_and_nothing_else() -> None:
    shared = torch.zeros(6)
    with Local(workers=2, threads=1).start(Prepared(shared)) as pool:
        done = dict(pool.results([Errand(number) for number in range(6)]))
        again = dict(pool.results([Errand(0)]))
    assert {place: result["number"] for place, result in done.items()} == {place: place for place in range(6)}
    processes = {result["process"] for result in done.values()}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert again[0]["process"] in processes
    assert {result["threads"] for result in done.values()} == {1}
    assert shared.tolist() == [1.0] * 6  # what the workers wrote lies in the one copy


def test_workers_are_dealt_out_among_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    with Local(workers=3, gpus=2).start(Prepared(torch.zeros(3))) as pool:
        seen = {result["gpus"] for _, result in pool.results([Errand(number) for number in range(3)])}
    assert seen == {"4", "7"}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,7"


def test_gpus_that_are_not_there_are_told_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with Local(workers=1, gpus=2).start(Prepared(torch.zeros(1))):
        assert "executor.gpus is 2, and PyTorch sees 1 here" in caplog.text


def test_a_task_whose_worker_is_killed_runs_on_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kills = tmp_path / "kills"
    kills.write_text("2")
    with Local(workers=2).start(Prepared(torch.zeros(4))) as pool:
        done = dict(pool.results([Errand(0), Errand(1, kills), Errand(2), Errand(3)]))
    assert {place: result["number"] for place, result in done.items()} == {0: 0, 1: 1, 2: 2, 3: 3}
    assert kills.read_text() == "0"
    assert [line.partition(": ")[2] for line in caplog.messages] == [
        f"its worker is gone ({losses} of at most 5), another begins it" for losses in (1, 2)
    ]


def test_a_task_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    kills = tmp_path / "kills"
    kills.write_text("100")
    with (
        Local(workers=1).start(Prepared(torch.zeros(2))) as pool,
        pytest.raises(WorkerLostError, match="errand 1 ended its worker 5 times: is there too little memory"),
    ):
        list(pool.results([Errand(0), Errand(1, kills)]))
    assert kills.read_text() == "95"


def test_what_a_task_raises_is_raised_here() -> None:
    with (
        Local(workers=1).start(Prepared(torch.zeros(1))) as pool,
        pytest.raises(RuntimeError, match="OddError: it failed"),
    ):
        list(pool.results([Errand(0, fails=True)]))


def test_no_process_is_left_behind() -> None:
    with Local(workers=2).start(Prepared(torch.zeros(4))) as pool:
        results = pool.results([Errand(number) for number in range(4)])
        processes = [next(results)[1]["process"], next(results)[1]["process"]]
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["workers", "threads"])
def test_an_executor_needs_a_worker_and_a_thread(name: str) -> None:
    with pytest.raises(ConfigError, match=f"executor.{name} must be at least 1, got 0"):
        Local(**{name: 0})


def test_more_gpus_than_the_environment_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(ConfigError, match=r"executor\.gpus is 2, and CUDA_VISIBLE_DEVICES names 0 alone"):
        Local(workers=2, gpus=2).start(Prepared(torch.zeros(1)))


def test_what_cannot_be_sent_to_another_process_is_named() -> None:
    with (
        Local(workers=1).start(Prepared(torch.zeros(1))) as pool,
        pytest.raises(ConfigError, match=r"a part of the configuration cannot be sent to another process: .*lambda"),
    ):
        list(pool.results([lambda: 0]))
    with pytest.raises(ConfigError, match=r"executor\.threads must be at most 1024"):
        Local(threads=10**12)


class Endless:
    """A worker that never answers."""

    def __init__(self, number: int) -> None:
        self.number, self.is_killed = number, Event()

    def perform(self, task: object) -> None:
        self.is_killed.wait()

    def dismiss(self) -> None: ...

    def kill(self) -> None:
        self.is_killed.set()


def test_who_waits_for_tasks_that_have_not_begun_is_told_when_the_pool_closes() -> None:
    pool, told = Crew(Endless, 1), list[int]()

    def wait_for(*tasks: int) -> Thread:
        def wait() -> None:
            try:
                list(pool.results(tasks))
            except PoolClosedError:
                told.append(len(tasks))

        thread = Thread(target=wait, daemon=True)
        thread.start()
        return thread

    first = wait_for(1)
    while not pool.busy:
        time.sleep(0.01)
    second = wait_for(2, 3)  # the only worker is taken
    time.sleep(0.2)
    pool.close()
    for thread in (first, second):
        thread.join(20)
    assert sorted(told) == [1, 2]
