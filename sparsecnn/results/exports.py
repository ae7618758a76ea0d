"""Tables out of runs: exports to CSV and Parquet, and reading either or the store."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from sparsecnn.errors import DataError
from sparsecnn.results.store import RunStore, read_table
from sparsecnn.whole_files import write_output

STORE = "results.sqlite"
FILES = {"candidates": "table", "epochs": "epochs", "layer_epochs": "layer_epochs", "losses": "losses"}
# Tables that only some runs have, and what makes a run have them.
OPTIONAL = {"losses": "training.loss_every=N records them"}
FOLDER = "give the run folder, or keep the file beside its table.csv"
NUMBERS = {"seed", "number", "round", "epochs", "memory_bytes", "dense_bytes", "nonzeros", "weights", "train_images"}
NUMBERS |= {"val_accuracy", "val_loss", "test_accuracy", "test_loss"}
LAYERS = {"layer_nonzeros", "layer_weights", "budgets"}  # JSON objects
REQUIRED = {"run", "key", "phase", "status", "memory_bytes", "val_accuracy", "test_accuracy"}


def write_table(frame: pd.DataFrame, path: Path) -> Path:
    """Writes `frame` as .csv or .parquet, by the ending of `path`; its folder is made."""
    write = frame.to_csv if path.suffix == ".csv" else frame.to_parquet
    return write_output(path, partial(write, index=False))


def export(store: RunStore, folder: Path) -> list[Path]:
    """Writes table, epochs, layer_epochs and, if there are any, losses of `store` to `folder`, as .csv and .parquet."""
    tables = {name: store.table(name) for name in FILES}
    return [
        write_table(frame, folder / f"{FILES[name]}{end}")
        for name, frame in tables.items()
        if name not in OPTIONAL or not frame.empty
        for end in (".csv", ".parquet")
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


def read_details(paths: Iterable[Path], name: str) -> dict[Path, pd.DataFrame]:
    """The candidates of each run as `read_each` gives them, each once for every row that the table `name` has of it.

    The columns of both tables, those of `name` with `_detail` where both have one; a candidate without such a row
    stays, with nothing in the columns of `name`. Raises DataError also when a run has no such table; beside a table.csv
    it is NAME.csv.
    """
    return {path: _detailed(path, frame, name) for path, frame in read_each(paths).items()}


def read_rows(path: Path, name: str) -> pd.DataFrame:
    """The rows of the table `name` of the run at `path`, a folder or a table of candidates; empty where it has none."""
    is_one_table = path.suffix in (".csv", ".parquet")
    folder = path.parent if path.is_file() else path
    places = [path.with_name(f"{FILES[name]}{path.suffix}")] if is_one_table else _places(folder, name)
    found = next((place for place in places if place.is_file()), None)
    return pd.DataFrame() if found is None else _read_table(found, name)


def read_runs_rows(paths: Iterable[Path], name: str) -> pd.DataFrame:
    """The rows of the table `name` of all runs in one frame. DataError when a run has none."""
    return pd.concat([_some_rows(path, name) for path in paths], ignore_index=True)


def _some_rows(path: Path, name: str) -> pd.DataFrame:
    rows = read_rows(path, name)
    if rows.empty:
        raise DataError(f"{path} holds no {name}: {OPTIONAL.get(name, FOLDER)}")
    return rows


def _detailed(path: Path, candidates: pd.DataFrame, name: str) -> pd.DataFrame:
    return candidates.merge(
        _some_rows(path, name).drop(columns="run"),
        on="key",
        how="left",
        validate="one_to_many",
        suffixes=("", "_detail"),
    )


def _read_run(path: Path) -> pd.DataFrame:
    places = _places(path, "candidates") if path.is_dir() else [path]
    found = next((place for place in places if place.is_file()), None)
    if found is None and path.is_dir():
        names = [place.name for place in places]
        raise DataError(f"{path} holds no run: there is no {', '.join(names[:-1])} or {names[-1]} in it")
    if found is None:
        raise DataError(f"there is no run at {path}")
    frame = _read_table(found, "candidates")
    lacking = REQUIRED - set(frame.columns)
    if lacking:
        raise DataError(f"{found} is no results table: it lacks the column {min(lacking)}")
    if frame.empty:
        raise DataError(f"{found} holds no candidate yet")
    damage = _damage(frame)
    if damage:
        raise DataError(f"{found} is damaged: {damage}")
    return frame


def _damage(frame: pd.DataFrame) -> str | None:
    """What no run has written: text for a number, a network without its layers or of no bytes."""
    for name in NUMBERS & set(frame.columns):
        if pd.to_numeric(frame[name], errors="coerce").isna().sum() > frame[name].isna().sum():
            return f"{name} holds what is no number"
    ended = frame[frame["status"] == "ok"]
    if not (pd.to_numeric(ended["memory_bytes"]) > 0).all():
        return "a finished network takes no memory"
    for name in LAYERS & set(frame.columns):
        if not ended[name].map(_is_object).all():
            return f"{name} of a finished network cannot be read"
    return None


def _is_object(text: object) -> bool:
    try:
        return isinstance(json.loads(str(text)), dict)
    except ValueError:
        return False


def _places(folder: Path, name: str) -> list[Path]:
    """The files in which the table `name` of a run folder may be, the first one that is there counts."""
    return [folder / file for file in (STORE, f"{FILES[name]}.parquet", f"{FILES[name]}.csv")]


def _read_table(path: Path, name: str) -> pd.DataFrame:
    try:
        return _read_file(path, name)
    except (
        ValueError,
        OSError,
        pd.errors.ParserError,
        pd.errors.DatabaseError,
        sqlite3.DatabaseError,
    ) as error:
        raise DataError(f"{path} cannot be read as a results table") from error


def _read_file(path: Path, name: str) -> pd.DataFrame:
    if path.suffix == ".csv":
        if not path.read_bytes().endswith(b"\n"):
            raise ValueError("the last line is cut off")
        return pd.read_csv(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # Read-only, so that a running search can be looked at.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        known = {table for (table,) in connection.execute("SELECT name FROM sqlite_master")}
        if name in OPTIONAL and name not in known:  # a store of an older version
            return pd.DataFrame()
        return read_table(connection, name, path)
    finally:
        connection.close()
