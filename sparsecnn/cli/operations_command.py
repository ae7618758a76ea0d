"""The command that counts what a network computes."""

from pathlib import Path

import click

from sparsecnn.cli.experiment_command import ConfiguredCommand
from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option, table_output_option


@click.command("operations", cls=ConfiguredCommand)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
@table_output_option("A file for the table.")
@debug_option
def operations_command(overrides: tuple[str, ...], output: Path | None, debug: bool) -> None:
    """Count the operations of each layer on one image, and tell what they cost under assumed energies.

    \b
    sparsecnn operations model=lean_resnet
    sparsecnn operations model=caffenet image_shape=[3,227,227] classes=1000 weight_bits=1 activation_bits=2
    """
    with guarded(debug=debug):
        # torch takes seconds to import.
        from sparsecnn.cli.operations import tell

        tell(overrides, output)
