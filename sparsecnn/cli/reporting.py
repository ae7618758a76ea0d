"""From run folders to a page."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import click
import pandas as pd

from sparsecnn.config import default_settings, saved_settings
from sparsecnn.report import Source, read_source, report_page
from sparsecnn.results import named, read_each
from sparsecnn.whole_files import write_bytes


def write_report(runs: Sequence[Path], output: Path | None, budgets: Sequence[str], labels: Sequence[str]) -> None:
    """Writes the report of `runs`, and says where."""
    known = cache(default_settings)
    tables = read_each(runs)
    if labels:
        for table, label in zip(tables.values(), labels, strict=True):
            table["run"] = label
    else:
        tables = named(tables)
    sources = [_read(path, table, known) for path, table in tables.items()]
    page = report_page(sources, budgets, labels)
    click.echo(write_bytes(output or sources[0].folder / "report.html", page.encode()))


def _read(path: Path, table: pd.DataFrame, known: Callable[[str], dict[str, object]]) -> Source:
    source = read_source(path, table)
    if not source.config:
        return source
    settings = saved_settings(source.folder / "config.yaml")
    return replace(source, settings=settings, defaults=known(source.command.replace("-", "_")))
