"""The folder of a run: what it says of itself, and what it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from running import QUICK, Counting, run

from sparsecnn.errors import ConfigError, DataError


def test_a_run_of_another_configuration_is_refused(tmp_path: Path) -> None:
    run(tmp_path, "train", QUICK)
    with pytest.raises(ConfigError, match=r"holds a run of another configuration: its solver.epochs is 2, not 3"):
        run(tmp_path, "train", [*QUICK, "solver.epochs=3"])


def test_a_run_of_other_weights_is_refused_and_moved_ones_are_known(tmp_path: Path) -> None:
    run(tmp_path / "a", "train", [*QUICK, "seeds=[0,1]"])
    first, second = (tmp_path / "a" / f"seed{seed}.safetensors" for seed in (0, 1))
    table = run(tmp_path / "b", "train", [*QUICK, f"model.weights={first}"]).table
    moved = Path(shutil.copyfile(first, tmp_path / "moved.safetensors"))
    again = Counting()
    assert run(tmp_path / "b", "train", [*QUICK, f"model.weights={moved}"], again).table.equals(table)
    assert again.titles == []
    for other in (f"model.weights={second}", "model.weights=null"):
        with pytest.raises(ConfigError, match="b holds results of other weights; choose another run_dir"):
            run(tmp_path / "b", "train", [*QUICK, other])


def test_the_run_folder_says_what_was_run(tmp_path: Path) -> None:
    run(tmp_path, "train", QUICK)
    assert (tmp_path / "overrides.txt").read_text().splitlines() == QUICK
    environment: dict[str, Any] = json.loads((tmp_path / "environment.json").read_text())
    assert {"python", "packages", "cores", "started_at"} <= environment.keys()
    assert "epochs: 2" in (tmp_path / "config.yaml").read_text()
    assert "data: " in (tmp_path / "run.log").read_text()


@pytest.mark.parametrize("name", ["identity.json", "content.json"])
@pytest.mark.parametrize("text", ["{", "", "[1]"])
def test_a_damaged_run_folder_is_named(tmp_path: Path, name: str, text: str) -> None:
    run(tmp_path, "train", QUICK)
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"{name} is damaged; choose another run_dir"):
        run(tmp_path, "train", QUICK)


@pytest.mark.parametrize("is_empty", [True, False])
def test_tables_whose_store_is_gone_are_not_written_over(tmp_path: Path, *, is_empty: bool) -> None:
    run(tmp_path, "train", QUICK)
    table = (tmp_path / "table.csv").read_bytes()
    (tmp_path / "results.sqlite").unlink()
    if is_empty:
        (tmp_path / "results.sqlite").touch()
    with pytest.raises(DataError, match=r"results\.sqlite is gone, and .*table\.csv may be the last of its rows"):
        run(tmp_path, "train", QUICK)
    assert (tmp_path / "table.csv").read_bytes() == table


def test_a_renamed_run_goes_on_under_its_new_name(tmp_path: Path) -> None:
    run(tmp_path / "old", "train", QUICK)
    shutil.move(tmp_path / "old", tmp_path / "new")
    table = run(tmp_path / "new", "train", [*QUICK, "seeds=[0,1]"]).table
    assert table["run"].tolist() == ["new", "new"]


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    run(tmp_path, "train", QUICK)
    (weights,) = (tmp_path / "checkpoints").glob("*.safetensors")
    snapshot = weights.with_suffix(".resume.pt")
    halves = [tmp_path / ".a.unfinished" / "seed0.safetensors", weights.parent / ".b.unfinished" / snapshot.name]
    for half in halves:
        half.parent.mkdir()
    for path in [*halves, snapshot]:
        path.write_bytes(b"half")
    run(tmp_path, "train", QUICK)
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]
    assert not list(tmp_path.glob(".*unfinished"))
