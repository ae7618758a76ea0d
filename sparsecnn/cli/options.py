"""Options that several commands take."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

TABLE_ENDINGS = (".csv", ".parquet")
TABLE = click.Path(path_type=Path)

debug_option = click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")


def table_output_option(help_text: str) -> Callable[[Any], Any]:
    """`--output PATH` for a table; a path with another ending than a table's is a usage error."""
    return click.option("-o", "--output", type=TABLE, callback=of_a_table, help=f"{help_text} (.csv or .parquet)")


def figure_output_option(default: str) -> Callable[[Any], Any]:
    """`--output PATH` for the files of a figure; a path that names no file is a usage error."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        callback=of_a_figure,
        help=f"Path of the files, without ending; by default {default}.",
    )


def labels_option(help_text: str) -> Callable[[Any], Any]:
    """`--label NAME`, to be given once for each run."""
    return click.option("--label", "labels", multiple=True, help=f"{help_text}, one for each RUN in turn.")


def checked_labels(labels: Sequence[str], runs: int, *, may_repeat: bool = False) -> None:
    """A usage error unless there is no label, or one for each of `runs` runs, all different or not."""
    if labels and len(labels) != runs:
        raise click.UsageError(f"there are {runs} runs and {len(labels)} labels")
    if len(set(labels)) < len(labels) and not may_repeat:
        raise click.UsageError(f"labels must differ, got {', '.join(labels)}")


def of_a_figure(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A click callback: the path, or a usage error when it is that of a folder."""
    if path is not None and (path.name in ("", "..") or path.is_dir()):
        raise click.UsageError(f"{parameter.opts[-1]} must name files, got {str(path)!r}, which is a folder")
    return path


def of_a_table(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A click callback: the path, or a usage error when its ending is not that of a table."""
    if path is not None and path.suffix not in TABLE_ENDINGS:
        raise click.UsageError(f"{parameter.opts[-1]} must end in {' or '.join(TABLE_ENDINGS)}, got {path}")
    return path
