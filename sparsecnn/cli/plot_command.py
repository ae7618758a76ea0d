"""Commands that draw a figure from the tables of runs."""

from pathlib import Path

import click

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import checked_labels, debug_option, figure_output_option, labels_option
from sparsecnn.plots import NAME_FAMILIES, NAME_RUNS


def plot_command(name: str, summary: str) -> click.Command:
    """`plot-NAME RUN...`: the figure as PNG and SVG, and its numbers as CSV."""

    @click.command(
        f"plot-{name.replace('_', '-')}", help=f"{summary}\n\nRUN is a run folder, a table.csv or a table.parquet."
    )
    @click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
    @figure_output_option("plots/ in the first RUN")
    @debug_option
    def command(
        runs: tuple[Path, ...],
        output: Path | None,
        debug: bool,
        labels: tuple[str, ...] = (),
        budget: str | None = None,
    ) -> None:
        checked_labels(labels, len(runs), may_repeat=name in NAME_FAMILIES)
        with guarded(debug=debug):
            # pandas and matplotlib take a second to import.
            from sparsecnn.cli.drawing import draw

            draw(name, runs, output, labels=labels, budget=budget)

    if name in NAME_RUNS:
        command = labels_option("A run's name in the picture")(command)
    if name in NAME_FAMILIES:
        command = labels_option("The family that a run is of, by default its model")(command)
    if name == "frontier":
        command = click.option("--budget", help="A memory budget to mark, such as 64KiB, or 1/20 of dense.")(command)
    return command
