"""Tables out of runs: exports to CSV and Parquet, and reading either or the store."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from sparsecnn.errors import DataError
from sparsecnn.results.rows import CandidateRow
from sparsecnn.results.store import TABLES, RunStore, read_table
from sparsecnn.whole_files import write_output

STORE = "results.sqlite"
FILES = {"candidates": "table", "epochs": "epochs", "layer_epochs": "layer_epochs"}
REQUIRED = {"run", "key", "phase", "status", "memory_bytes", "val_accuracy", "test_accuracy"}


def write_table(frame: pd.DataFrame, path: Path) -> Path:
    """Writes `frame` as .csv or .parquet, by the ending of `path`; its folder is made."""
    write = frame.to_csv if path.suffix == ".csv" else frame.to_parquet
    return write_output(path, partial(write, index=False))


def export(store: RunStore, folder: Path) -> list[Path]:
    """Writes table, epochs and layer_epochs of `store` into `folder`, each as .csv and .parquet."""
    tables = {stem: store.table(name) for name, stem in FILES.items()}
    return [
        write_table(frame, folder / f"{stem}{end}") for stem, frame in tables.items() for end in (".csv", ".parquet")
    ]


def read_runs(paths: Iterable[Path]) -> pd.DataFrame:
    """The candidates of all runs in one frame; paths, names and errors as for `read_each`."""
    return pd.concat(read_each(paths).values(), ignore_index=True)


def read_each(paths: Iterable[Path]) -> dict[Path, pd.DataFrame]:
    """The candidates of each run.

    A path is a run folder (its store, or a table in it), a table.csv or a table.parquet. Runs of the same name are told
    apart by their paths. Raises DataError when a path is none of these, or holds no candidate.
    """
    frames = {path: _read_run(path) for path in paths}
    names = Counter(name for frame in frames.values() for name in frame["run"].unique())
    for path, frame in frames.items():
        if any(names[name] > 1 for name in frame["run"].unique()):
            frame["run"] = str(path) if path.is_dir() else f"{path}:" + frame["run"]
    return frames


def _read_run(path: Path) -> pd.DataFrame:
    if path.is_dir():
        found = [path / name for name in (STORE, "table.parquet", "table.csv") if (path / name).is_file()]
        if not found:
            raise DataError(f"{path} holds no run: there is no {STORE}, table.parquet or table.csv in it")
        path = found[0]
    if not path.is_file():
        raise DataError(f"there is no run at {path}")
    try:
        frame = _read_file(path)
    except (
        ValueError,
        OSError,
        pd.errors.ParserError,
        pd.errors.DatabaseError,
        sqlite3.DatabaseError,
    ) as error:
        raise DataError(f"{path} cannot be read as a results table") from error
    lacking = REQUIRED - set(frame.columns)
    if lacking:
        raise DataError(f"{path} is no results table: it lacks the column {min(lacking)}")
    if frame.empty:
        raise DataError(f"{path} holds no candidate yet")
    return frame


def _read_file(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # Read-only, so that a running search can be looked at.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return read_table(connection, TABLES[CandidateRow][0], path)
    finally:
        connection.close()
