"""From run folders to a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import click
import pandas as pd

from sparsecnn.config import default_settings, saved_settings
from sparsecnn.report import Source, command_of, read_source, report_page
from sparsecnn.results import names_of, read_each
from sparsecnn.whole_files import write_bytes


def write_report(runs: Sequence[Path], output: Path | None, budgets: Sequence[str], labels: Sequence[str]) -> None:
    """Writes the report of `runs`, and says where."""
    known = cache(default_settings)
    tables = read_each(runs)
    if labels:
        for table, label in zip(tables.values(), labels, strict=True):
            table["run"] = label
    else:
        tables = _named(tables)
    sources = [_read(path, table, known) for path, table in tables.items()]
    page = report_page(sources, budgets, labels)
    click.echo(write_bytes(output or sources[0].folder / "report.html", page.encode()))


def _named(tables: Mapping[Path, pd.DataFrame]) -> dict[Path, pd.DataFrame]:
    """The tables with runs of a sweep named by what they differ in, and in the order of these names."""
    names = names_of(pd.concat(tables.values(), ignore_index=True))
    places = {run: place for place, run in enumerate(names)}
    ordered = {
        path: table.sort_values("run", key=lambda run: run.map(places), kind="stable") for path, table in tables.items()
    }
    paths = sorted(ordered, key=lambda path: places[ordered[path]["run"].iloc[0]])
    return {path: ordered[path].assign(run=ordered[path]["run"].map(names)) for path in paths}


def _read(path: Path, table: pd.DataFrame, known: Callable[[str], dict[str, object]]) -> Source:
    source = read_source(path, table)
    if not source.config:
        return source
    settings = saved_settings(source.folder / "config.yaml")
    defaults = known(source.command.replace("-", "_"))
    return replace(source, settings=settings, defaults=defaults, weights_command=_weights_command(settings))


def _weights_command(settings: Mapping[str, object]) -> tuple[str, ...]:
    weights = Path(str(settings.get("model.weights") or ""))
    return command_of(weights.parent if weights.suffix else weights) if weights.name else ()
