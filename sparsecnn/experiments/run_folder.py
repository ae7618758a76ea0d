"""The folder of one run: configuration, environment, log, store, checkpoints, exports."""

import json
import logging
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import filelock

from sparsecnn.errors import ConfigError, DataError, RunLockedError
from sparsecnn.results import STORE, RunStore, export
from sparsecnn.whole_files import remove_unfinished, write_whole

log = logging.getLogger(__name__)

# What its results depend on, as JSON.
IDENTITY = "identity.json"


@dataclass(frozen=True)
class RunInfo:
    """What a run is: its folder, its configuration as text, and the part of it that makes its results."""

    folder: Path
    config: str
    overrides: tuple[str, ...]
    identity: Mapping[str, Any]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """An open run."""

    info: RunInfo
    store: RunStore

    @property
    def name(self) -> str:
        """The name of its folder, the column `run` of its rows."""
        return self.info.folder.name

    def checkpoint(self, key: str) -> Path:
        """Where the weights of the candidate `key` are kept."""
        return self.info.folder / "checkpoints" / f"{key}.safetensors"

    def bind(self, content: Mapping[str, str]) -> None:
        """Ties the run to the content of its files ("data", "weights"): rows of others must not stand in one table.

        Raises ConfigError when the run was begun with other content.
        """
        path = self.info.folder / "content.json"
        known = _read_json(path) if path.is_file() else dict(content)
        changed = sorted(name for name in known.keys() | content.keys() if known.get(name) != content.get(name))
        if changed:
            raise ConfigError(
                f"{self.info.folder} holds results of other {' and '.join(changed)}; choose another run_dir"
            )
        write_whole(path, partial(Path.write_text, data=json.dumps(known, indent=1) + "\n"))

    def publish(self, weights: Path, name: str) -> None:
        """Copies a file of weights into the run folder under a name that people can guess."""
        write_whole(self.info.folder / f"{name}.safetensors", partial(shutil.copyfile, weights))


@contextmanager
def open_run(info: RunInfo) -> Iterator[Run]:
    """Opens the run for this process alone, writes what it is, and exports its tables when it ends, however it ends.

    Raises RunLockedError when another process has it open, and ConfigError when the folder holds a run of another
    configuration.
    """
    folder = info.folder
    try:
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the run folder {folder} cannot be made: {error.strerror}") from error
    lock = filelock.FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise RunLockedError(
            f"another process is working on {folder}; wait for it, or choose another run_dir"
        ) from error
    with lock:
        _check_identity(info)
        _check_store(folder)
        for place in (folder, folder / "checkpoints"):
            remove_unfinished(place)
        _write_description(info)
        handler = logging.FileHandler(folder / "run.log")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logging.getLogger("sparsecnn").setLevel(logging.INFO)
        logging.getLogger("sparsecnn").addHandler(handler)
        try:
            with RunStore(folder / STORE) as store:
                try:
                    yield Run(info, store)
                finally:
                    export(store, folder)
        finally:
            logging.getLogger("sparsecnn").removeHandler(handler)
            handler.close()


def _check_identity(info: RunInfo) -> None:
    path = info.folder / IDENTITY
    if not path.is_file():
        return
    known = _flat(_read_json(path))
    asked = _flat(json.loads(json.dumps(info.identity)))
    for name in sorted(known.keys() | asked.keys()):
        if known.get(name) != asked.get(name):
            raise ConfigError(
                f"{info.folder} holds a run of another configuration: its {name} is {known.get(name)}, "
                f"not {asked.get(name)}; choose another run_dir"
            )


def _check_store(folder: Path) -> None:
    """Tables without the store that they were exported from are the last of their rows, and would be overwritten."""
    store, table = folder / STORE, folder / "table.csv"
    if table.is_file() and not (store.is_file() and store.stat().st_size):
        raise DataError(f"{store} is gone, and {table} may be the last of its rows; choose another run_dir")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged; choose another run_dir") from error
    if not isinstance(read, dict):
        raise DataError(f"{path} is damaged; choose another run_dir")
    return read


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {
        name: value
        for key, branch in tree.items()
        for name, value in _flat(branch, f"{prefix}.{key}" if prefix else key).items()
    }


def _write_description(info: RunInfo) -> None:
    texts = {
        "config.yaml": info.config,
        "overrides.txt": "".join(f"{line}\n" for line in info.overrides),
        IDENTITY: json.dumps(info.identity, indent=1, sort_keys=True) + "\n",
        "environment.json": json.dumps(_environment(), indent=1) + "\n",
    }
    for name, text in texts.items():
        write_whole(info.folder / name, partial(Path.write_text, data=text))


def _environment() -> dict[str, Any]:
    wanted = {"torch", "torchvision", "numpy", "pandas", "sparsecnn"}
    return {
        "command": ["sparsecnn", *sys.argv[1:]],
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": {d.name: d.version for d in distributions() if d.name in wanted},
        "git": _git("rev-parse", "HEAD"),
        "git_is_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
