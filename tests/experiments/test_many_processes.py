"""Experiments whose networks are trained in processes beside this one."""

from pathlib import Path

import pandas as pd
from running import QUICK, SEARCH, results, run


def test_processes_beside_this_one_end_with_the_same_table_and_weights(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=2", "solver@search.refine=refine", "search.refine.epochs=0.5", "seeds=[0,1]"]
    here = run(tmp_path / "here", "greedy_search", options)
    beside = run(tmp_path / "beside", "greedy_search", [*options, "executor=local", "executor.workers=2"])
    pd.testing.assert_frame_equal(results(here.table), results(beside.table))
    for name in ("epochs.csv", "layer_epochs.csv"):
        frames = [pd.read_csv(tmp_path / folder / name).drop(columns="run") for folder in ("here", "beside")]
        pd.testing.assert_frame_equal(*frames)
    for key in here.table[here.table.accepted].key:
        files = [tmp_path / folder / "checkpoints" / f"{key}.safetensors" for folder in ("here", "beside")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_seeds_are_trained_side_by_side(tmp_path: Path) -> None:
    options = [*QUICK, "seeds=[0,1,2]"]
    here = run(tmp_path / "here", "train", options)
    beside = run(tmp_path / "beside", "train", [*options, "executor=local", "executor.workers=2"])
    pd.testing.assert_frame_equal(results(here.table), results(beside.table))
