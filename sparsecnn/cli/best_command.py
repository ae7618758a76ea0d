"""The command that gives the network to take home."""

from pathlib import Path

import click

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option, table_output_option
from sparsecnn.errors import OutOfReachError


@click.command("best")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--within",
    "budgets",
    multiple=True,
    required=True,
    help="A memory budget, such as 64KiB, or 1/8 of the dense network; may be given several times.",
)
@table_output_option("A file for what is shown.")
@debug_option
def best_command(runs: tuple[Path, ...], budgets: tuple[str, ...], output: Path | None, debug: bool) -> None:
    """Name the most accurate network that fits a budget, of each run and seed, and the file of its weights.

    RUN is a run folder, a table.csv or a table.parquet. Accuracy on validation decides; test is shown beside it.
    """
    with guarded(debug=debug):
        # pandas takes a second to import.
        from sparsecnn.cli.tables import best_table, best_text
        from sparsecnn.results import write_table

        best, misses = best_table(runs, budgets)
        if len(best):
            click.echo(best_text(best))
            for path in best.weights_file.dropna().unique():
                click.echo(path)
        if len(best) and output is not None:
            click.echo(write_table(best.drop(columns="weights_file"), output))
        if misses:
            raise OutOfReachError("; ".join(misses))
