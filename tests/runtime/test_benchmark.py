"""The benchmark compares what can run here."""

import logging
from pathlib import Path

import pytest
import torch

from sparsecnn.errors import ConfigError, DataError
from sparsecnn.models import lenet, prunable_weights
from sparsecnn.operators import project_l0
from sparsecnn.packing import packer_of
from sparsecnn.runtime import contenders
from sparsecnn.runtime.benchmark import benchmark
from sparsecnn.runtime.contenders import UnavailableError
from sparsecnn.runtime.memory import peak_memory_bytes

EAGER = ("sparsecnn", "torch eager", "torch channels_last")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = lenet().eval()
    with torch.no_grad():
        for weight in prunable_weights(model).values():
            weight.copy_(project_l0(weight, weight.numel() // 10))
    path = tmp_path_factory.mktemp("packed") / "lenet.scnn"
    path.write_bytes(packer_of(model, (1, 28, 28)).pack(model.state_dict()).to_bytes())
    return path


def test_each_contender_has_a_row_for_each_batch(file: Path) -> None:
    table = benchmark(file, batches=(1, 9), rounds=2, contenders=EAGER, measures_memory=False)
    assert list(zip(table["batch"], table["contender"], strict=True)) == [(n, name) for n in (1, 9) for name in EAGER]
    assert (table.loc[table["contender"] == "sparsecnn", "ratio"] == 1).all()
    assert (table["largest_difference"] < 1e-5).all() and (table["seconds"] > 0).all()
    assert ((table["ratio_low"] <= table["ratio"]) & (table["ratio"] <= table["ratio_high"])).all()


def test_memory_is_measured_in_a_process_of_its_own(file: Path) -> None:
    assert 0 < peak_memory_bytes(file, "sparsecnn", 8, threads=1) < 2**28


def test_contenders_that_cannot_run_are_left_out(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object) -> contenders.Call:
        raise UnavailableError("there is none")

    monkeypatch.setitem(contenders.CONTENDERS, "onnxruntime", missing)
    with caplog.at_level(logging.WARNING):
        names = ("sparsecnn", "onnxruntime")
        table = benchmark(file, batches=(1,), rounds=1, contenders=names, measures_memory=False)
    assert list(table["contender"]) == ["sparsecnn"] and "onnxruntime is left out: there is none" in caplog.text


def test_threads_are_those_asked_for_and_back_again_behind(file: Path) -> None:
    table = benchmark(file, batches=(16,), rounds=1, threads=2, contenders=EAGER[:2], measures_memory=False)
    assert list(table["threads"]) == [2, 2] and torch.get_num_threads() == 1


def test_wrong_calls_are_refused(file: Path, tmp_path: Path) -> None:
    for wrong in (
        {"batches": (0,)},
        {"rounds": 0},
        {"contenders": ("torch eager",)},
        {"contenders": ("sparsecnn", "x")},
    ):
        with pytest.raises(ConfigError):
            benchmark(file, **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="cannot be read"):
        benchmark(tmp_path / "missing")
