"""The store: whole rows or none, and tables out of it."""

import dataclasses
import multiprocessing
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from sparsecnn.errors import DataError
from sparsecnn.results import (
    STORE,
    CandidateRow,
    EpochRow,
    LayerEpochRow,
    LossRow,
    RunStore,
    export,
    read_details,
    read_runs,
)

ROW = CandidateRow(
    run="r",
    key="k0",
    parent=None,
    number=0,
    round=0,
    phase="base",
    layer=None,
    status="ok",
    accepted=False,
    seed=0,
    epochs=2.5,
    steps=10,
    train_seconds=1.0,
    nonzeros=10,
    weights=10,
    memory_bytes=40,
    dense_bytes=40,
    val_accuracy=90.0,
    val_loss=0.5,
    test_accuracy=89.0,
    model="m",
    data="d",
    regularizer="none",
    allocation="dense",
    layer_nonzeros='{"a": 10}',
    layer_weights='{"a": 10}',
    budgets='{"a": 10}',
    formats='{"a": "dense"}',
    error=None,
    started_at="2026-01-01T00:00:00+00:00",
)


def row(number: int, **changes: object) -> CandidateRow:
    return dataclasses.replace(ROW, key=f"k{number}", number=number, **changes)  # type: ignore[arg-type]


def test_a_row_comes_back_as_it_was_written(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(3, phase="candidate", layer="a", parent="k0"))
        assert store.find("k3") == row(3, phase="candidate", layer="a", parent="k0")
        assert store.find("k4") is None


def test_a_row_with_the_same_key_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(1, status="interrupted"))
        assert store.find("k1") is None
        store.add(row(1))
        assert store.find("k1") == row(1)
        assert len(store.table()) == 1


def test_accepting_marks_one_row(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0), row(1))
        store.accept("k1")
        assert store.table().accepted.tolist() == [False, True]


def test_the_table_goes_in_the_order_of_the_search(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(2), row(0), row(1))
        table = store.table()
    assert table.number.tolist() == [0, 1, 2]
    assert list(table.columns) == [field.name for field in dataclasses.fields(CandidateRow)]


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    broken = dataclasses.replace(row(1), budgets=object())  # type: ignore[arg-type]
    with RunStore(tmp_path / STORE) as store:
        with pytest.raises(sqlite3.Error):
            store.add(row(0), broken)
        assert store.table().empty


def test_exports_hold_what_the_store_holds(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0), row(1, val_accuracy=None))
        store.add(EpochRow("r", "k0", 1, 10, 0.1, 2.0, 50.0, None, None), LayerEpochRow("r", "k0", 1, "a", 5, 0.2))
        paths = export(store, tmp_path)
        table = store.table()
    names = {f"{stem}.{ending}" for stem in ("table", "epochs", "layer_epochs") for ending in ("csv", "parquet")}
    assert {path.name for path in paths} == names
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table)
    assert pd.read_csv(tmp_path / "layer_epochs.csv").turnover.tolist() == [0.2]
    assert not list(tmp_path.glob(".*tmp"))


def with_losses(folder: Path) -> None:
    """Two networks, of which the first has losses at two steps; store and exports."""
    folder.mkdir(exist_ok=True)
    with RunStore(folder / STORE) as store:
        store.add(LossRow("r", "k0", 20, 1.0), row(1, status="failed"), row(0), LossRow("r", "k0", 10, 2.0))
        export(store, folder)


def test_losses_are_exported_where_there_are_any_in_the_order_of_steps(tmp_path: Path) -> None:
    with_losses(tmp_path)
    assert pd.read_csv(tmp_path / "losses.csv").drop(columns="run").to_numpy().tolist() == [
        ["k0", 10, 2],
        ["k0", 20, 1],
    ]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "losses.parquet"), pd.read_csv(tmp_path / "losses.csv"))


@pytest.mark.parametrize("name", ["", STORE, "table.csv", "table.parquet", "only_csv"])
def test_details_are_joined_to_the_candidates_wherever_a_run_is_read_from(tmp_path: Path, name: str) -> None:
    with_losses(tmp_path / "run")
    if name == "only_csv":
        (tmp_path / name).mkdir()
        for file in ("table.csv", "losses.csv"):
            (tmp_path / "run" / file).rename(tmp_path / name / file)
    path = tmp_path / name if name == "only_csv" else tmp_path / "run" / name
    (found,) = read_details([path], "losses").values()
    assert found[["key", "status", "step", "train_loss"]].values.tolist()[:2] == [
        ["k0", "ok", 10.0, 2.0],
        ["k0", "ok", 20.0, 1.0],
    ]
    assert found.key.tolist() == ["k0", "k0", "k1"]
    assert found.step.isna().tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["", STORE, "table.csv", "older"])
def test_a_run_without_the_details_that_are_asked_for_is_named(tmp_path: Path, name: str) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0))
        export(store, tmp_path)
        if name == "older":
            store._connection.execute("DROP TABLE losses")
    path = tmp_path if name == "older" else tmp_path / name
    with pytest.raises(DataError, match=r"holds no losses: training\.loss_every=N records them"):
        read_details([path], "losses")


@pytest.mark.parametrize("name", ["", STORE, "table.csv", "table.parquet"])
def test_a_run_is_read_from_its_folder_or_any_of_its_tables(tmp_path: Path, name: str) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0), row(1))
        export(store, tmp_path)
    assert read_runs([tmp_path / name]).key.tolist() == ["k0", "k1"]


def test_several_runs_become_one_table(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with RunStore(tmp_path / name / STORE) as store:
            store.add(row(0, run=name))
    assert read_runs([tmp_path / "one", tmp_path / "two"]).run.tolist() == ["one", "two"]


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [tmp_path / side / "demo" for side in "ab"]
    for path in paths:
        path.mkdir(parents=True)
        with RunStore(path / STORE) as store:
            store.add(row(0, run="demo"))
            export(store, path)
    assert read_runs(paths).run.tolist() == [str(path) for path in paths]
    tables = [path / "table.csv" for path in paths]
    assert read_runs(tables).run.tolist() == [f"{path}:demo" for path in tables]
    assert read_runs(paths[:1]).run.tolist() == ["demo"]


def test_a_store_that_is_damaged_within_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be used as a results store: torn"), RunStore(tmp_path / STORE):
        raise sqlite3.DatabaseError("torn")


def test_a_running_store_can_be_read(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0))
        assert len(read_runs([tmp_path])) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none", None, "there is no run at"),
        ("empty", "folder", "holds no run: there is no results.sqlite, table.parquet or table.csv in it"),
        (STORE, b"nonsense" * 200, "cannot be read as a results table"),
        ("table.parquet", b"nonsense", "cannot be read as a results table"),
        ("table.csv", b"a,b\n1,2\n", "is no results table: it lacks the column key"),
        ("table.csv", b"", "cannot be read as a results table"),
    ],
)
def test_what_is_no_run_is_named(tmp_path: Path, name: str, content: bytes | str | None, message: str) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_runs([path])


def test_an_empty_store_holds_no_candidate_yet(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE):
        pass
    with pytest.raises(DataError, match="holds no candidate yet"):
        read_runs([tmp_path])


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / STORE).write_bytes(b"nonsense" * 200)
    with pytest.raises(DataError, match="cannot be used as a results store"):
        RunStore(tmp_path / STORE)


def _write_rows(path: Path, first: int) -> None:
    with RunStore(path) as store:
        for number in range(first, first + 20):
            store.add(row(number))


def test_two_processes_lose_no_row(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE):
        pass
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_rows, args=(tmp_path / STORE, first)) for first in (0, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read_runs([tmp_path])) == 40
