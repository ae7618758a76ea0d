"""What a run has left for a report: its tables, and the texts beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sparsecnn.errors import DataError
from sparsecnn.results import read_rows

COMMANDS = ("train", "greedy-search", "ensemble")
OF_PHASE = {"train": "train", "member": "ensemble", "ensemble": "ensemble"}


@dataclass(frozen=True)
class Source:
    """A run folder, or a table of one or several runs; what is not there is empty.

    `settings` and `defaults` are flat, a value for each dotted key: the run's own, and what its command would take
    today without overrides.
    """

    path: Path
    candidates: pd.DataFrame
    epochs: pd.DataFrame
    overrides: tuple[str, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the texts and the weights of the run lie."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def runs(self) -> list[str]:
        """The names of its runs, one but for a table of several."""
        return [str(name) for name in self.candidates["run"].unique()]

    @property
    def command(self) -> str:
        """The command that made it, by what was typed or else by the phases of its rows."""
        typed = [word for word in self.environment.get("command", [])[1:2] if word in COMMANDS]
        return typed[0] if typed else OF_PHASE.get(str(self.candidates["phase"].iloc[0]), "greedy-search")


def read_source(path: Path, candidates: pd.DataFrame) -> Source:
    """The run of `candidates` (`results.read_each`) at `path`, without settings and defaults.

    A table of several runs has no texts: those beside it would be of one of them. DataError when they cannot be read.
    """
    source = Source(path, candidates, read_rows(path, "epochs"))
    if len(source.runs) > 1:
        return source
    folder = source.folder
    return Source(
        path,
        candidates,
        source.epochs,
        overrides=tuple(_text(folder / "overrides.txt").splitlines()),
        environment=_environment(folder / "environment.json"),
        config=_text(folder / "config.yaml"),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text() if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read") from error


def _environment(path: Path) -> Mapping[str, Any]:
    try:
        read = json.loads(_text(path) or "{}")
    except ValueError as error:
        raise DataError(f"{path} is damaged") from error
    if not isinstance(read, dict):
        raise DataError(f"{path} is damaged")
    return read
