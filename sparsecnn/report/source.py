"""What a run has left for a report: its tables, and the texts beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    today without overrides. Of a table of several runs `environment` holds what was typed for one of them, and nothing
    else.
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
    def typed(self) -> tuple[str, ...]:
        """The whole command that made it, word by word."""
        return tuple(map(str, self.environment.get("command", ())))

    @property
    def weights_command(self) -> tuple[str, ...]:
        """What was typed for the weights that it began with, where they lie in a run folder; DataError as below."""
        weights = Path(str(self.settings.get("model.weights") or ""))
        return _command_of(weights.parent if weights.suffix else weights) if weights.name else ()

    @property
    def command(self) -> str:
        """The command that made it, by what was typed or else by the phases of its rows."""
        typed = [word for word in self.typed[1:2] if word in COMMANDS]
        return typed[0] if typed else OF_PHASE.get(str(self.candidates["phase"].iloc[0]), "greedy-search")


def read_source(path: Path, candidates: pd.DataFrame) -> Source:
    """The run of `candidates` (`results.read_each`) at `path`, without settings and defaults.

    Texts beside a table of several runs are of one of them. DataError when they cannot be read.
    """
    source = Source(path, candidates, read_rows(path, "epochs"))
    environment = _environment(source.folder)
    if len(source.runs) > 1:
        return replace(source, environment={"command": environment.get("command", [])})
    return replace(
        source,
        overrides=_overrides(source.folder),
        environment=environment,
        config=_text(source.folder / "config.yaml"),
    )


def _command_of(folder: Path) -> tuple[str, ...]:
    """What was typed for the run in `folder`, word by word; nothing where that is not known. DataError as above."""
    environment, overrides = _environment(folder), _overrides(folder)
    typed = tuple(map(str, environment.get("command", ())))
    return ("sparsecnn", typed[1], *overrides) if overrides and typed[1:] else typed


def _overrides(folder: Path) -> tuple[str, ...]:
    return tuple(_text(folder / "overrides.txt").splitlines())


def _text(path: Path) -> str:
    try:
        return path.read_text() if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read") from error


def _environment(folder: Path) -> Mapping[str, Any]:
    path = folder / "environment.json"
    try:
        read = json.loads(_text(path) or "{}")
    except ValueError as error:
        raise DataError(f"{path} is damaged") from error
    if not isinstance(read, dict) or not isinstance(read.get("command", []), list):
        raise DataError(f"{path} is damaged")
    return read
