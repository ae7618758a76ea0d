"""Programs drawn at random give the scores that torch gives."""

import ctypes
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from runtime.random_programs import both, random_program

from sparsecnn.native import command
from sparsecnn.runtime import network, stretch
from sparsecnn.runtime.stretch import RoutineRunner
from sparsecnn.runtime.structures import SOURCES, kernels

TOLERANCE = 1e-5


def check(seed: int, batches: tuple[int, ...]) -> None:
    program, weights, others, shape = random_program(seed)
    under_test, reference = both(program, weights, others, shape)
    generator = torch.Generator().manual_seed(seed)
    for batch in batches:
        images = torch.randn(batch, *shape, generator=generator)
        expected = reference(images.double())
        for _ in range(2):  # the second run meets what the first left in the scratch
            found = under_test(images)
            assert found.shape == expected.shape, (seed, str(program))
            error = float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-30))
            assert error <= TOLERANCE, (seed, batch, str(program))


@pytest.mark.usefixtures("all_in_c")
def test_random_programs_give_torchs_scores_when_c_computes_all_it_can() -> None:
    for seed in range(90):
        check(seed, (1, 3, 11))


@pytest.mark.parametrize("defines", [[], ["-D__aarch64__"]], ids=["base", "vectors and tiles as with NEON"])
@pytest.mark.usefixtures("all_in_c")
def test_kernels_without_avx2_give_torchs_scores(
    defines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([*command("cc", SOURCES, tmp_path / "kernels.so"), *defines], check=True)
    built, usual = ctypes.CDLL(str(tmp_path / "kernels.so")), kernels()
    assert usual is not None
    built.run_base.argtypes, built.run_base.restype = usual.run.argtypes, None
    monkeypatch.setattr(network, "kernels", lambda: SimpleNamespace(run=built.run_base, prepare=usual.prepare))
    for seed in range(90, 120):
        check(seed, (1, 3, 11))


@pytest.mark.usefixtures("mixed")
def test_random_programs_give_torchs_scores_when_c_and_torch_take_turns() -> None:
    for seed in range(150, 210):
        check(seed, (1, 9))


def test_random_programs_give_torchs_scores_when_costs_decide() -> None:
    for seed in range(250, 280):
        check(seed, (1, 8))


@pytest.mark.usefixtures("all_in_c")
def test_nothing_reads_or_writes_between_the_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    runners: list[RoutineRunner] = []
    init = RoutineRunner.__init__

    def kept(self: RoutineRunner, *arguments: object) -> None:
        init(self, *arguments)  # type: ignore[arg-type]
        runners.append(self)

    monkeypatch.setattr(RoutineRunner, "__init__", kept)
    monkeypatch.setattr(stretch, "new_scratch", lambda floats: np.full(floats, np.nan, np.float32))
    for seed in range(300, 360):
        check(seed, (3, 8))
    assert sum(len(runner.idle) for runner in runners) > 60
    for runner in runners:
        assert all(np.isnan(memory.array[~used(runner, memory.array)]).all() for memory in runner.idle)


def used(runner: RoutineRunner, scratch: NDArray[np.float32]) -> NDArray[np.bool_]:
    start = -scratch.ctypes.data % stretch.CACHE_LINE_BYTES // 4
    mask = np.zeros(len(scratch), bool)
    for fill in runner.routine.fills:
        mask[start + fill.offset : start + fill.offset + fill.length] = True
    return mask
