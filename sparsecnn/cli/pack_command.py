"""The command that packs a network of a run."""

from pathlib import Path

import click

from sparsecnn.cli.experiment_command import ConfiguredCommand
from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import TABLE, debug_option, of_a_table


@click.command("pack", cls=ConfiguredCommand)
@click.argument("network", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The packed file.")
@click.option(
    "--within", metavar="BUDGET", help="Of a run, the most accurate network that fits: 64KiB, or 1/8 of dense."
)
@click.option("--table", type=TABLE, callback=of_a_table, help="A table (.csv or .parquet) to add a row to.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bars and no log on the terminal.")
@debug_option
def pack_command(
    network: Path,
    overrides: tuple[str, ...],
    output: Path,
    within: str | None,
    table: Path | None,
    quiet: bool,
    debug: bool,
) -> None:
    """Pack a network into a file of just the bytes that it takes, and measure the accuracy of that file.

    NETWORK is a file of weights in a run folder, or a run folder together with --within.

    \b
    sparsecnn pack runs/demo --within 1/20 -o net.safetensors
    sparsecnn pack runs/demo --within 1/20 -o net.safetensors value=int8
    sparsecnn pack runs/demo_dense/seed0.safetensors -o net.safetensors value=int5 solver@fine_tune=retrain
    """
    with guarded(debug=debug):
        # torch takes seconds to import.
        from sparsecnn.cli.packed import pack

        pack(network, overrides, output, within, table, quiet=quiet)


@click.command("plot-storage")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Path of the files, without ending.")
@click.option(
    "--within", metavar="BUDGET", help="Of a run, the most accurate network that fits: 64KiB, or 1/8 of dense."
)
@debug_option
def plot_storage_command(network: Path, output: Path | None, within: str | None, debug: bool) -> None:
    """Bytes of each layer in each format, against the bound; PNG, SVG and CSV.

    NETWORK is a file of weights, or a run folder together with --within.
    """
    with guarded(debug=debug):
        from sparsecnn.cli.packed import plot_storage

        plot_storage(network, output, within)
