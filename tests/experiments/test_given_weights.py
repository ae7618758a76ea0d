"""Networks that start from weights of the user's: a file, or the run that made them."""

from pathlib import Path

import pandas as pd
import pytest
from running import QUICK, SEARCH, Counting, run

from sparsecnn.errors import DataError


def test_a_users_weights_are_the_base_instead_of_a_training(tmp_path: Path) -> None:
    run(tmp_path / "a", "train", QUICK)
    weights = tmp_path / "a" / "seed0.safetensors"
    progress = Counting()
    options = [*SEARCH, "search.rounds=1", f"model.weights={weights}"]
    table = run(tmp_path / "b", "greedy_search", options, progress).table
    trained = pd.read_csv(tmp_path / "a" / "table.csv")
    assert table.test_accuracy[0] == trained.test_accuracy[0]
    assert table.epochs[0] == 0
    assert all(title.startswith("round 1") for title in progress.titles)


def test_a_run_folder_of_weights_gives_each_seed_its_own_base(tmp_path: Path) -> None:
    searched = run(tmp_path / "a", "greedy_search", [*SEARCH, "search.rounds=1", "seeds=[0,1]"]).table
    rounds = ["search.rounds=2", "tighten.share=0.1", f"model.weights={tmp_path / 'a'}"]
    table = run(tmp_path / "b", "greedy_search", [*SEARCH, *rounds, "seeds=[0,1]"]).table
    bases, given = (found[found.phase == "base"].set_index("seed") for found in (searched, table))
    assert given.test_loss.equals(bases.test_loss)
    assert given.test_loss.nunique() == 2
    # A source that has come to have more seeds is the same source.
    run(tmp_path / "a", "greedy_search", [*SEARCH, "search.rounds=1", "seeds=[0,1,2]"])
    assert set(run(tmp_path / "b", "greedy_search", [*SEARCH, *rounds, "seeds=[0,1,2]"]).table.seed) == {0, 1, 2}
    with pytest.raises(DataError, match=r"a has neither base_seed3.* nor seed3"):
        run(tmp_path / "c", "greedy_search", [*SEARCH, *rounds, "seeds=[3]"])


def test_trainings_start_from_the_weights_of_a_run_too(tmp_path: Path) -> None:
    first = run(tmp_path / "a", "train", [*QUICK, "seeds=[0,1]"]).table
    options = [*QUICK, "seeds=[0,1]", f"model.weights={tmp_path / 'a'}", "solver.learning_rate=1e-9"]
    assert run(tmp_path / "b", "train", options).table.val_accuracy.tolist() == first.val_accuracy.tolist()


def test_a_folder_that_is_no_run_holds_no_weights(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, but not one of a run"):
        run(tmp_path / "run", "train", [*QUICK, f"model.weights={tmp_path}"])
