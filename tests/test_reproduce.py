"""The commands of results/reproduce.mk, as make prints them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGETS = re.findall(r"^(reproduce[a-z-]*):.*##", (ROOT / "results" / "reproduce.mk").read_text(), flags=re.MULTILINE)
WITHOUT_FIRST_LOOK = {"reproduce-packed", "reproduce-cheap", "reproduce-table"}


def commands(target: str, *settings: str) -> str:
    """What `make target` would run, without the installation."""
    dry = ["make", "--dry-run", "--no-print-directory", "--old-file=.venv/.installed"]
    printed = [*dry, "TINY=tiny", target, *settings]
    done = subprocess.run(printed, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("target", TARGETS)
def test_commands_are_whole(target: str) -> None:
    for settings in [(), *([] if target in WITHOUT_FIRST_LOOK else [("FAST=1",)])]:
        text = commands(target, *settings)
        overrides = re.findall(r"\S+=\S*", text)
        assert [found for found in overrides if found.count("[") != found.count("]")] == []
        assert "sparsecnn" in text or "benchmarks" in text


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_a_first_look_writes_no_results() -> None:
    text = commands("reproduce", "FAST=1")
    assert "runs/fast/results" in text
    assert re.findall(r"(?:-o|cp \S+) results/", text) == []


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("target", ["reproduce-cifar", "reproduce-mnist", "reproduce-alexnet"])
def test_a_first_look_asks_for_the_memory_that_its_search_goes_down_to(target: str) -> None:
    text = commands(target, "FAST=1")
    asked = set(re.findall(r"(?:--within|--budget) (\S+)", text))
    assert asked
    assert asked == set(re.findall(r"search\.target_memory=(\S+)", text))


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("target", ["reproduce", "reproduce-figures"])
def test_one_folder_is_not_taken_for_two_data_sets(target: str) -> None:
    asked = ["make", "--no-print-directory", "--old-file=.venv/.installed", target, "DATA=images"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == "Say CIFAR=folder and MNIST=folder: DATA= is for targets with one data set\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_the_study_of_operators_is_that_of_its_families_and_their_pictures() -> None:
    families = re.findall(r"^NAME_(\w+) = ", (ROOT / "results" / "reproduce.mk").read_text(), flags=re.MULTILINE)
    parts = [commands(f"reproduce-operators-{part}") for part in (*families, "pictures")]
    whole = commands("reproduce-operators").splitlines()
    assert [line for part in parts for line in part.splitlines()] == whole[2:-2]
    drawn = set(re.findall(r"results/operators/(\S+)/table\.(?:csv|parquet)", parts[-1]))
    kept = set(re.findall(r"mkdir -p results/operators/(\S+)", "".join(parts)))
    assert kept - drawn == {"ode_16_shared"}
    assert drawn <= kept


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_the_study_in_full_lies_beside_the_committed_one() -> None:
    text = commands("reproduce-operators", "FULL=1")
    assert set(re.findall(r"results/(\w+)/", text)) == set(re.findall(r"runs/(\w+)/", text)) == {"operators_full"}
    trained = [line for line in text.splitlines() if " train experiment=operators " in line]
    assert {tuple(re.findall(r" (train_split\S+|solver.epochs\S+)", line)) for line in trained} == {
        ("train_split.share=1", "solver.epochs=60"),
        ("train_split.share=1", "solver.epochs=60", "solver.epochs=180"),
    }
    assert "(180 epochs)" in text
