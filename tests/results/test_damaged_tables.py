"""Tables that were cut off or written by hand."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from results.rows import row

from sparsecnn.errors import DataError
from sparsecnn.results import STORE, RunStore, export, read_runs


@pytest.fixture
def table(tmp_path: Path) -> Path:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0), row(1))
        export(store, tmp_path)
    return tmp_path / "table.csv"


def test_a_table_that_is_cut_anywhere_is_refused_or_lacks_whole_lines(table: Path) -> None:
    content = table.read_bytes()
    assert len(read_runs([table])) == 2
    for length in range(len(content)):
        table.write_bytes(content[:length])
        whole_lines = content[:length].count(b"\n") - 1
        if content[:length].endswith(b"\n") and whole_lines > 0:
            assert len(read_runs([table])) == whole_lines
            continue
        with pytest.raises(DataError, match=str(table)):
            read_runs([table])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.assign(test_accuracy="much"), "test_accuracy holds what is no number"),
        (lambda rows: rows.assign(memory_bytes=0), "a finished network takes no memory"),
        (lambda rows: rows.assign(budgets="{"), "budgets of a finished network cannot be read"),
    ],
)
def test_what_no_run_has_written_is_refused(
    table: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    change(pd.read_csv(table)).to_csv(table, index=False)
    with pytest.raises(DataError, match=f"table.csv is damaged: {message}"):
        read_runs([table])
