"""The store: whole rows or none."""

import dataclasses
import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from results.rows import row

from sparsecnn.cli.tables import results_text
from sparsecnn.errors import DataError
from sparsecnn.results import (
    STORE,
    CandidateRow,
    RunStore,
    read_runs,
)


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


def test_columns_that_an_older_store_lacks_are_empty_in_its_rows(tmp_path: Path) -> None:
    newer = ("train_images", "test_loss", "test_top5_accuracy", "layer_shapes", "members", "multiply_adds")
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0, test_top5_accuracy=97.0))
    with sqlite3.connect(tmp_path / STORE) as connection:
        for name in newer:
            connection.execute(f"ALTER TABLE candidates DROP COLUMN {name}")
    connection.close()
    with RunStore(tmp_path / STORE) as store:
        assert store.find("k0") == row(
            0, train_images=None, test_loss=None, layer_shapes=None, members=None, multiply_adds=None
        )
        store.add(row(1))
        assert store.table().train_images.tolist()[1] == 100


def test_trainings_show_five_guesses_where_they_were_counted(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0, phase="train"))
        header = results_text(store.table()).splitlines()[0]
        assert "top-5" not in header
        store.add(row(1, phase="train", test_top5_accuracy=97.25))
        header, *lines = results_text(store.table()).splitlines()
    assert "test %  test top-5 %" in header
    assert "97.25" in lines[1]


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


def test_a_store_that_is_damaged_within_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be used as a results store: torn"), RunStore(tmp_path / STORE):
        raise sqlite3.DatabaseError("torn")


def test_a_store_with_damaged_pages_is_named(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(*(dataclasses.replace(row(number), budgets="x" * 500) for number in range(100)))
    whole = (tmp_path / STORE).read_bytes()
    (tmp_path / STORE).write_bytes(whole[:24576] + b"\xff" * 16384 + whole[40960:])
    with pytest.raises(DataError, match="cannot be used as a results store"), RunStore(tmp_path / STORE) as store:
        store.table()


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
