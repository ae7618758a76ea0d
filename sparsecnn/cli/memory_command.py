"""The command that tells what a network takes before it is trained."""

from pathlib import Path

import click

from sparsecnn.cli.experiment_command import ConfiguredCommand
from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option, table_output_option


@click.command("memory", cls=ConfiguredCommand)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
@table_output_option("A file for the table.")
@debug_option
def memory_command(overrides: tuple[str, ...], output: Path | None, debug: bool) -> None:
    """Tell what a network takes dense, and at which density each storage format takes no more than a target.

    \b
    sparsecnn memory model=caffenet target=58MiB
    sparsecnn memory model=alexnet +model.classes=200 target=1/10

    The density is the same in all layers, the nonzeros lie at random places; nothing is read or trained.
    """
    with guarded(debug=debug):
        # torch takes seconds to import.
        from sparsecnn.cli.memory import tell

        tell(overrides, output)
