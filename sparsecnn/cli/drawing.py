"""From the tables of runs to a figure in files."""

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import click
import pandas as pd

from sparsecnn.cli.tables import frontier_text
from sparsecnn.errors import ConfigError, DataError
from sparsecnn.frontier import frontier_table
from sparsecnn.plots import DETAILS, NAME_FAMILIES
from sparsecnn.plots.style import save
from sparsecnn.results import read_details, read_each
from sparsecnn.sizes import to_bytes
from sparsecnn.whole_files import write_output

ENDINGS = (".png", ".svg", ".csv")


def draw(name: str, runs: Sequence[Path], output: Path | None, *, labels: Sequence[str], budget: str | None) -> None:
    """Writes the figure `name` of `runs` as PNG, SVG and CSV beside each other, and says where."""
    table = _read(
        runs, labels, named=["model"] if name in NAME_FAMILIES else ["run", "label"], details=DETAILS.get(name)
    )
    stem = output or _folder(runs[0]) / "plots" / name
    write_figure(name, table, stem, budget_bytes=_bytes(budget, table) if budget else None)


def write_figure(name: str, table: pd.DataFrame, stem: Path, *, budget_bytes: float | None = None) -> None:
    """Writes the figure `name` of `table` to `stem`.png, .svg and .csv, and says where."""
    if stem.suffix in ENDINGS:
        stem = stem.with_suffix("")
    figure = import_module(f"sparsecnn.plots.{name}")
    drawing = partial(figure.draw, budget_bytes=budget_bytes) if budget_bytes else figure.draw
    try:
        numbers = frontier_table(table) if name == "frontier" else figure.numbers(table)
        paths = save(drawing(table), stem)
    except ValueError as error:
        raise DataError(f"cannot draw {name}: {error}") from error
    csv = stem.parent / f"{stem.name}.csv"
    write_output(csv, lambda path: numbers.to_csv(path, index=False, float_format="%.7g"))
    if name == "frontier":
        click.echo(frontier_text(table))
    for path in [*paths, csv]:
        click.echo(path)


def _read(runs: Sequence[Path], labels: Sequence[str], *, named: list[str], details: str | None) -> pd.DataFrame:
    """The rows of all runs; a run's label is in the columns `named`."""
    tables = read_each(runs) if details is None else read_details(runs, details)
    for table, label in zip(tables.values(), labels, strict=False):
        table[named] = label
    return pd.concat(tables.values(), ignore_index=True)


def _folder(run: Path) -> Path:
    return run if run.is_dir() else run.parent


def _bytes(budget: str, table: pd.DataFrame) -> float:
    try:
        return to_bytes(budget, int(table.dense_bytes.iloc[0]))
    except ValueError as error:
        raise ConfigError(f"--budget: {error}") from error
