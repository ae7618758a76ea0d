"""The store of one run: SQLite, one transaction a row, read by pandas."""

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Self

import pandas as pd

from sparsecnn.errors import DataError
from sparsecnn.results.rows import CandidateRow, EpochRow, LayerEpochRow, LossRow

TABLES: dict[type, tuple[str, str]] = {
    CandidateRow: ("candidates", "key"),
    EpochRow: ("epochs", "key, epoch"),
    LayerEpochRow: ("layer_epochs", "key, epoch, layer"),
    LossRow: ("losses", "key, step"),
}
# In the order in which the search goes, whichever network was finished first.
OF_CANDIDATES = "LEFT JOIN (SELECT key, seed, number FROM candidates) USING (key) ORDER BY seed IS NULL, seed, number"
ORDER = {
    "candidates": "ORDER BY seed, number",
    "epochs": f"{OF_CANDIDATES}, epoch",
    "layer_epochs": f"{OF_CANDIDATES}, epoch, layer_epochs.rowid",
    "losses": f"{OF_CANDIDATES}, step",
}
SQL_TYPES = {"bool": "INTEGER", "int": "INTEGER", "float": "REAL"}


class RunStore:
    """The rows of one run. A row with the key of an older one takes its place.

    Opened as a context manager; any thread may use it. Every write is on the disk, whole, when the call returns: a
    killed process loses no row and leaves no half of one. Raises DataError for a file that is no store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()
        try:
            self._connection = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
            _prefer_wal(self._connection)
            with self._connection:
                for row_type, (name, key) in TABLES.items():
                    columns = ", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in fields(row_type))
                    self._connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY ({key}))")
                    self._add_columns(name, row_type)
        except sqlite3.DatabaseError as error:
            raise DataError(f"{path} cannot be used as a results store: {error}") from error

    def _add_columns(self, name: str, row_type: type) -> None:
        """Adds those that an older version did not have; they are empty in its rows."""
        known = {column for _, column, *_ in self._connection.execute(f"PRAGMA table_info({name})")}
        for field in fields(row_type):
            if field.name not in known:
                self._connection.execute(f'ALTER TABLE {name} ADD COLUMN "{field.name}" {_sql_type(field.type)}')

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.DatabaseError | pd.errors.DatabaseError):  # pandas has one of its own
            raise DataError(f"{self.path} cannot be used as a results store: {error}") from error

    def add(self, *rows: CandidateRow | EpochRow | LayerEpochRow | LossRow) -> None:
        """Writes the rows in one transaction: all or none."""
        with self._lock, self._connection:
            for row in rows:
                values = asdict(row)
                marks = ", ".join("?" * len(values))
                names = ", ".join(f'"{name}"' for name in values)
                table = TABLES[type(row)][0]
                self._connection.execute(
                    f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(values.values())
                )

    def find(self, key: str) -> CandidateRow | None:
        """The finished row of that key; interrupted ones do not count."""
        names = ", ".join(f'"{field.name}"' for field in fields(CandidateRow))
        query = f"SELECT {names} FROM candidates WHERE key = ? AND status != 'interrupted'"
        with self._lock:
            row = self._connection.execute(query, (key,)).fetchone()
        return _candidate(row) if row else None

    def has_epoch(self, key: str, epoch: int) -> bool:
        """Whether that epoch of the network `key` is recorded."""
        query = "SELECT 1 FROM epochs WHERE key = ? AND epoch = ?"
        with self._lock:
            return self._connection.execute(query, (key, epoch)).fetchone() is not None

    def is_accepted(self, key: str) -> bool:
        """Whether the row of that key was ever marked as an incumbent."""
        found = self.find(key)
        return found is not None and found.accepted

    def accept(self, key: str) -> None:
        """Marks the row as the incumbent of its round."""
        with self._lock, self._connection:
            self._connection.execute("UPDATE candidates SET accepted = 1 WHERE key = ?", (key,))

    def table(self, name: str = "candidates") -> pd.DataFrame:
        """All rows of the table `name`: candidates, epochs, layer_epochs or losses."""
        with self._lock:
            return read_table(self._connection, name, self.path)


def read_table(connection: sqlite3.Connection, name: str, path: Path) -> pd.DataFrame:
    """A table of the store at `path` as a data frame, in the order in which the search goes.

    The column `run` is the present name of the folder, which may have been renamed between two parts of a search.
    """
    frame = pd.read_sql(f"SELECT {name}.* FROM {name} {ORDER[name]}", connection)
    frame["run"] = path.resolve().parent.name
    return frame.astype({"accepted": bool}) if "accepted" in frame else frame


def _candidate(values: Iterable[Any]) -> CandidateRow:
    named = dict(zip((field.name for field in fields(CandidateRow)), values, strict=True))
    return CandidateRow(**{**named, "accepted": bool(named["accepted"])})


def _sql_type(annotation: Any) -> str:
    return next((sql for name, sql in SQL_TYPES.items() if name in str(annotation)), "TEXT")


def _prefer_wal(connection: sqlite3.Connection) -> None:
    """WAL where the file system can do it; else a plain journal, which is as safe and slower."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
