"""Searches that start at an allocation, screen their candidates, or train few of them to the end."""

from pathlib import Path

import pandas as pd
import pytest
from running import SEARCH, Counting, run

from sparsecnn.errors import ConfigError


def test_halving_trains_few_candidates_to_the_end_and_none_twice(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    progress = Counting()
    progress.step = lambda done, total: steps.append((done, total))  # type: ignore[method-assign]
    halved = [*SEARCH, "search.rounds=2", "tighten=factor", "search.halving=0.25"]
    table = run(tmp_path, "greedy_search", halved, progress).table
    assert table.phase.value_counts().to_dict() == {"rung": 10, "candidate": 4, "base": 1}
    assert table.steps.sum() == len(steps)
    assert set(table[table.phase == "rung"].status) == {"early"}
    assert table.test_accuracy.isna().tolist() == (table.phase == "rung").tolist()
    rungs, finished = table[table.phase == "rung"], table[table.phase == "candidate"]
    whole = finished.steps.iloc[0] + rungs.steps.iloc[0]
    assert finished.epochs.iloc[0] == whole / 9
    assert [total for done, total in steps[-int(finished.steps.iloc[0]) :]] == [whole] * int(finished.steps.iloc[0])
    for number, best in ((1, rungs[rungs["round"] == 1]), (2, rungs[rungs["round"] == 2])):
        kept = set(finished[finished["round"] == number].layer)
        assert kept == set(best.sort_values(["val_accuracy", "val_loss"], ascending=[False, True]).layer[:2])
    assert not list((tmp_path / "checkpoints").glob("*.resume.pt"))


def test_a_candidate_measured_on_its_way_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "tighten=factor", "search.halving=0.99", "search.halving_after=0.5"]
    measured = run(tmp_path / "a", "greedy_search", options).table
    assert "rung" not in set(measured.phase)  # a share that keeps all of five measures none of them
    halved = run(tmp_path / "b", "greedy_search", [*options, "search.halving=0.5"]).table
    again = Counting()
    folder = tmp_path / "b"
    winner = halved[halved.accepted].key.iloc[-1]
    weights = (folder / "checkpoints" / f"{winner}.safetensors").read_bytes()
    for path in (folder / "checkpoints").iterdir():
        path.unlink()
    rerun = run(folder, "greedy_search", [*options, "search.halving=0.5"], again).table
    pd.testing.assert_frame_equal(halved, rerun)
    assert len(again.titles) == 2  # the base and the winner, this one in one go
    assert (folder / "checkpoints" / f"{winner}.safetensors").read_bytes() == weights


def test_screening_trains_only_what_projection_hurts_least(tmp_path: Path) -> None:
    screened = [
        *SEARCH,
        "search.rounds=1",
        "tighten=factor",
        "search.screen=projected_loss",
        "search.screen_images=100",
    ]
    table = run(tmp_path, "greedy_search", [*screened, "search.screen_keep=0.4", "select=least_loss"]).table
    early, trained = table[table.phase == "screened"], table[table.phase == "candidate"]
    assert set(early.status) == {"early"}
    assert early.test_accuracy.isna().all()
    assert early.steps.sum() == 0
    assert set(trained.layer) == set(early.sort_values("val_loss").layer[:2])


@pytest.mark.parametrize("rule", ["lamp", "knapsack"])
def test_a_search_may_start_at_an_allocation_of_a_given_memory(tmp_path: Path, rule: str) -> None:
    options = [*SEARCH, f"search.start={rule}", "search.start_memory=1/3", "search.rounds=1", "tighten=factor"]
    table = run(tmp_path, "greedy_search", options).table
    base, start = table[table.phase == "base"].iloc[0], table[table.phase == "start"].iloc[0]
    assert 0.8 < start.memory_bytes / (base.memory_bytes / 3) <= 1.0
    assert start.accepted
    assert start.parent == base.key
    assert set(table[table.phase == "candidate"].parent) == {start.key}
    assert (tmp_path / "base_seed0.safetensors").is_file()
    assert table.number.is_unique


@pytest.mark.parametrize("rule", ["lamp", "knapsack"])
def test_of_several_starts_each_goes_on_from_the_one_before(tmp_path: Path, rule: str) -> None:
    memory = "search.start_memory=[1/2,1/4]"
    options = [*SEARCH, f"search.start={rule}", memory, "search.rounds=1", "tighten=factor"]
    table = run(tmp_path, "greedy_search", options).table
    base, starts = table[table.phase == "base"].iloc[0], table[table.phase == "start"]
    for limit, start in zip((base.memory_bytes / 2, base.memory_bytes / 4), starts.itertuples(), strict=True):
        assert 0.8 < start.memory_bytes / limit <= 1.0
        assert start.accepted
        assert (tmp_path / "checkpoints" / f"{start.key}.safetensors").is_file()
    assert starts.parent.tolist() == [base.key, starts.key.iloc[0]]
    assert set(table[table.phase == "candidate"].parent) == {starts.key.iloc[1]}
    assert table.number.is_unique
    again = Counting()
    assert run(tmp_path, "greedy_search", options, again).table.equals(table)
    assert again.titles == []


@pytest.mark.parametrize("sizes", ["[1/4,1/2]", "[1/4,1/4]", "[]", "[20KiB,1/2]"])
def test_starts_must_fall(tmp_path: Path, sizes: str) -> None:
    with pytest.raises(ConfigError, match=r"search\.start_memory must fall from one start to the next"):
        run(tmp_path, "greedy_search", [*SEARCH, "search.start=lamp", f"search.start_memory={sizes}"])


def test_starts_may_be_shares_and_bytes(tmp_path: Path) -> None:
    options = [*SEARCH, "search.start=lamp", "search.start_memory=[1/2,20KiB]", "search.rounds=1"]
    starts = run(tmp_path, "greedy_search", options).table.query("phase == 'start'")
    assert (starts.memory_bytes <= [starts.dense_bytes.iloc[0] / 2, 20 * 1024]).all()


def test_starts_that_the_dense_network_fits_into_are_left_out(tmp_path: Path) -> None:
    lamp = [*SEARCH, "search.start=lamp", "search.rounds=1", "tighten=factor"]
    dense = run(tmp_path / "dense", "greedy_search", [*SEARCH, "search.rounds=1", "tighten=factor"]).table
    size = dense.dense_bytes.iloc[0]
    below = run(tmp_path / "below", "greedy_search", [*lamp, f"search.start_memory=[1GiB,{size},{size - 4},1/2]"]).table
    assert (below[below.phase == "start"].memory_bytes <= [size - 4, size / 2]).all()
    above = run(tmp_path / "above", "greedy_search", [*lamp, f"search.start_memory={size}"]).table
    told = ["phase", "layer", "memory_bytes"]
    pd.testing.assert_frame_equal(above[told], dense[told])


def test_a_start_below_every_allocation_is_refused(tmp_path: Path) -> None:
    for rule in ("lamp", "knapsack"):
        options = [*SEARCH, f"search.start={rule}", "search.start_memory=100", "search.rounds=1"]
        with pytest.raises(ConfigError, match=r"search.start_memory: "):
            run(tmp_path / rule, "greedy_search", options)


def test_steps_are_those_that_were_taken_also_with_halving_late_and_in_cohorts(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "tighten=factor", "search.halving=0.5"]
    for number, extra in enumerate((["search.halving_after=0.99"], ["search.halving_after=0.3", "training.cohort=3"])):
        steps: list[int] = []
        progress = Counting()
        progress.step = lambda done, total, steps=steps: steps.append(done)  # type: ignore[misc]
        table = run(tmp_path / str(number), "greedy_search", [*options, *extra], progress).table
        assert table.steps.sum() == len(steps)


def test_halving_needs_candidates_that_can_be_stopped_on_their_way(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "search.halving=0.5", "search.retrain.epochs=0.01"]
    with pytest.raises(ConfigError, match=r"search\.halving needs candidates of at least 2 steps"):
        run(tmp_path, "greedy_search", options)


def test_networks_that_were_only_looked_at_leave_no_weights(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "tighten=factor", "search.start=knapsack", "search.start_memory=1/3"]
    table = run(tmp_path, "greedy_search", options).table
    assert (table.phase == "screened").sum() > 20
    assert {path.stem for path in (tmp_path / "checkpoints").iterdir()} == set(table[table.accepted].key)


def test_the_images_that_a_knapsack_looks_at_are_part_of_the_search(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "search.start=knapsack", "search.start_memory=1/3"]
    run(tmp_path, "greedy_search", options)
    with pytest.raises(ConfigError, match="a run of another configuration"):
        run(tmp_path, "greedy_search", [*options, "search.screen_images=40"])


def test_a_knapsack_that_cannot_fit_is_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=1", "search.start=knapsack", "search.start_memory=1/500"]
    with pytest.raises(ConfigError, match=r"search\.start_memory: no allocation takes as little"):
        run(tmp_path, "greedy_search", options)
    assert len(pd.read_csv(tmp_path / "table.csv")) == 1
