"""The command that measures what a training step keeps in memory."""

from pathlib import Path

import click

from sparsecnn.cli.experiment_command import ConfiguredCommand
from sparsecnn.cli.guard import guarded
from sparsecnn.cli.options import debug_option


@click.command("bench-training-memory", cls=ConfiguredCommand)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Writes the table as OUTPUT.csv, and where a number is varied the figure as OUTPUT.png and OUTPUT.svg.",
)
@debug_option
def training_memory_command(overrides: tuple[str, ...], output: Path | None, debug: bool) -> None:
    """Measure what a training step keeps in memory beside the network, for every combination of values.

    \b
    sparsecnn bench-training-memory model=ode_resnet model.step.time_steps=1,2,4,8,16 model.step.keep=all,input,3
    sparsecnn bench-training-memory model=resnet20,lean_resnet,deformable_resnet
    """
    with guarded(debug=debug):
        # torch takes seconds to import.
        from sparsecnn.cli.training_memory import measure

        measure(overrides, output)
