"""Options that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

TABLE_ENDINGS = (".csv", ".parquet")
TABLE = click.Path(path_type=Path)

debug_option = click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")


def table_output_option(help_text: str) -> Callable[[Any], Any]:
    """`--output PATH` for a table; a path with another ending than a table's is a usage error."""
    return click.option("-o", "--output", type=TABLE, callback=of_a_table, help=f"{help_text} (.csv or .parquet)")


def of_a_table(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A click callback: the path, or a usage error when its ending is not that of a table."""
    if path is not None and path.suffix not in TABLE_ENDINGS:
        raise click.UsageError(f"{parameter.opts[-1]} must end in {' or '.join(TABLE_ENDINGS)}, got {path}")
    return path
