"""The command that writes a report of runs."""

from pathlib import Path

import click

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import checked_labels, debug_option, labels_option


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The page; by default report.html in the first RUN.",
)
@click.option(
    "--within",
    "budgets",
    multiple=True,
    help="A memory budget of the summary, such as 64KiB, or 1/8 of dense; may be given several times.  [default: "
    "1/4, 1/8, 1/20 and the search's own]",
)
@labels_option("A run's name on the page")
@debug_option
def report_command(
    runs: tuple[Path, ...], output: Path | None, budgets: tuple[str, ...], labels: tuple[str, ...], debug: bool
) -> None:
    """Write what runs were asked, what they found and how to redo them as one HTML page, which needs no network.

    RUN is a run folder, a table.csv or a table.parquet; several runs are several curves.

    \b
    sparsecnn report runs/demo -o report.html
    """
    checked_labels(labels, len(runs))
    with guarded(debug=debug):
        # torch takes seconds to import.
        from sparsecnn.cli.reporting import write_report

        write_report(runs, output, budgets, labels)
