"""Commands that draw a figure from the tables of runs."""

from pathlib import Path

import click

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option


def plot_command(name: str, summary: str) -> click.Command:
    """`plot-NAME RUN...`: the figure as PNG and SVG, and its numbers as CSV."""

    @click.command(
        f"plot-{name.replace('_', '-')}", help=f"{summary}\n\nRUN is a run folder, a table.csv or a table.parquet."
    )
    @click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Path of the files, without ending; by default plots/ in the first RUN.",
    )
    @click.option("--label", "labels", multiple=True, help="A run's name in the legend, one for each RUN in turn.")
    @click.option(
        "--budget", help="A memory budget to mark, such as 64KiB, or 1/20 of dense.", hidden=name != "frontier"
    )
    @debug_option
    def command(
        runs: tuple[Path, ...], output: Path | None, labels: tuple[str, ...], budget: str | None, debug: bool
    ) -> None:
        if labels and len(labels) != len(runs):
            raise click.UsageError(f"there are {len(runs)} runs and {len(labels)} labels")
        with guarded(debug=debug):
            # pandas and matplotlib take a second to import.
            from sparsecnn.cli.drawing import draw

            draw(name, runs, output, labels=labels, budget=budget)

    return command
