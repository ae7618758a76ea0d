"""The command that draws the filters of runs."""

from pathlib import Path

import click

from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import checked_labels, debug_option, figure_output_option, labels_option


@click.command("plot-filters")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--layer", default="conv1", show_default=True, help="A convolution on images of 1 or 3 channels.")
@click.option("--seed", default=0, show_default=True, help="Of a run folder, the network trained under this seed.")
@labels_option("A run's name above its panel")
@figure_output_option("plots/filters in the first RUN")
@debug_option
def plot_filters_command(
    runs: tuple[Path, ...], layer: str, seed: int, labels: tuple[str, ...], output: Path | None, debug: bool
) -> None:
    """Filters of a first convolution and where they are nonzero (the paper's Figure 2); PNG, SVG and CSV.

    RUN is a run folder of train, or a file of weights.
    """
    checked_labels(labels, len(runs))
    with guarded(debug=debug):
        # torch takes seconds to import.
        from sparsecnn.cli.filters import plot_filters

        plot_filters(runs, layer, seed, labels, output)
