"""The command that shows the tables of runs, and exports them as one."""

from pathlib import Path

import click

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option, table_output_option


@click.command("table")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@table_output_option("A file for all rows.")
@click.option(
    "--of",
    type=click.Choice(["networks", "epochs", "layer_epochs", "losses"]),
    default="networks",
    show_default=True,
    help="What a row of the file is of.",
)
@debug_option
def table_command(runs: tuple[Path, ...], output: Path | None, of: str, debug: bool) -> None:
    """Show what runs have found so far, and export all their rows as one table.

    RUN is a run folder (a search that is still running, too), a table.csv or a table.parquet. Figures find epochs and
    losses beside table.csv in files of these names.
    """
    with guarded(debug=debug):
        # pandas takes a second to import.
        from sparsecnn.cli.tables import results_text
        from sparsecnn.results import read_runs, read_runs_rows, write_table

        table = read_runs(runs)
        click.echo(results_text(table))
        if output is not None:
            click.echo(write_table(table if of == "networks" else read_runs_rows(runs, of), output))
