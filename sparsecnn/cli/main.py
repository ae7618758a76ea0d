"""The group of commands."""

import sys
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from sparsecnn.cli.best_command import best_command
from sparsecnn.cli.experiment_command import experiment_command
from sparsecnn.cli.file_commands import bench_command, evaluate_command, export_command, inspect_command, unpack_command
from sparsecnn.cli.filters_command import plot_filters_command
from sparsecnn.cli.guard import INTERRUPTED
from sparsecnn.cli.memory_command import memory_command
from sparsecnn.cli.operations_command import operations_command
from sparsecnn.cli.pack_command import pack_command, plot_storage_command
from sparsecnn.cli.plot_command import plot_command
from sparsecnn.cli.report_command import report_command
from sparsecnn.cli.sections import SECTIONS
from sparsecnn.cli.table_command import table_command
from sparsecnn.cli.training_memory_command import training_memory_command
from sparsecnn.plots import FIGURES

EPILOG = """
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 data, 4 nothing accepted or a target not reached,
130 interrupted after saving.
"""


class Program(click.Group):
    """The commands in sections; usage errors are one line, as all other errors are."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, each in a few words."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Runs the command of the arguments, and exits."""
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else self.name
            message = " ".join(error.format_message().split())  # that of a missing choice has a line for each
            click.echo(f"error: {message} ({command} --help)", err=True)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            click.echo(f"error: {error.format_message()}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:  # before a command has begun
            sys.exit(INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=EPILOG
)
@click.version_option(package_name="sparsecnn")
def main() -> None:
    """The most accurate convolutional network that fits a memory budget, and the frontier to choose from."""


main.add_command(
    experiment_command(
        "train",
        """Train one network under one allocation and one regularizer, over one or more seeds.

        \b
        sparsecnn train
        sparsecnn train model=resnet20 data=cifar10 seeds=[0,1,2]
        sparsecnn train allocation=lamp allocation.density=0.1 regularizer=l0_projection
        sparsecnn train model=ode_resnet operator@model.step.operator=lean
        """,
    )
)
main.add_command(
    experiment_command(
        "greedy-search",
        """Search the frontier: tighten one layer's budget at a time, retrain, keep the best.

        \b
        sparsecnn greedy-search search.target_memory=1/20
        sparsecnn greedy-search model=resnet20 data=cifar10 search.target_memory=64KiB

        The same command goes on where a stopped one was.
        """,
    )
)
main.add_command(
    experiment_command(
        "ensemble",
        """Train sparse networks that together take the memory of one, and average their class probabilities.

        \b
        sparsecnn ensemble ensemble.networks=4 regularizer=l0_projection_late
        sparsecnn ensemble model=cifar10_quick data=cifar10 ensemble.networks=4 ensemble.target_memory=1/4
        """,
    )
)
main.add_command(table_command)
main.add_command(best_command)
main.add_command(report_command)
main.add_command(memory_command)
main.add_command(training_memory_command)
main.add_command(operations_command)
for command in (
    pack_command,
    inspect_command,
    unpack_command,
    evaluate_command,
    bench_command,
    export_command,
    plot_storage_command,
    plot_filters_command,
):
    main.add_command(command)
for name, summary in FIGURES.items():
    main.add_command(plot_command(name, summary))
