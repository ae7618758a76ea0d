"""From a composed configuration to a finished run and what is printed of it."""

import logging
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.highlighter import NullHighlighter
from rich.logging import RichHandler

from sparsecnn.cli.progress import Bars
from sparsecnn.cli.tables import results_text
from sparsecnn.config import Composed, build, identity, run_folder
from sparsecnn.errors import ConfigError, OutOfReachError
from sparsecnn.experiments import Run, RunInfo, open_run
from sparsecnn.experiments.recording import EpochLog


def execute(command: str, composed: Composed, overrides: Sequence[str], *, quiet: bool) -> None:
    """Runs the experiment, prints its table to standard output, and says where it lies."""
    console = Console(stderr=True)
    log_to(console, quiet=quiet)
    experiment = build(composed.nodes)
    if experiment.follow():
        return
    makes = identity(composed)
    info = RunInfo(
        run_folder(command.replace("_", "-"), composed, makes),
        composed.text(),
        tuple(overrides),
        makes,
        composed.choices,
    )
    with open_run(info) as run, Bars(console, disable=quiet) as progress:
        outcome = experiment.execute(run, makes, progress, _epoch_logs(composed, run))
    click.echo(results_text(outcome.table))
    click.echo(f"run folder: {info.folder}")
    if outcome.shortfall is not None:
        raise OutOfReachError(outcome.shortfall)


def _epoch_logs(composed: Composed, run: Run) -> tuple[EpochLog, ...]:
    if not composed.nodes.tensorboard:
        return ()
    try:
        from sparsecnn.experiments.tensorboard import TensorBoardLog
    except ImportError as error:
        raise ConfigError("tensorboard=true needs the package: pip install 'sparsecnn[tensorboard]'") from error
    return (TensorBoardLog(Path(run.info.folder) / "tensorboard"),)


def log_to(console: Console, *, quiet: bool) -> None:
    """Shows the log on `console`, that of the progress bars: else one would write over the other."""
    logger = logging.getLogger("sparsecnn")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers.clear()
    if not quiet:
        logger.addHandler(
            RichHandler(
                console=console,
                show_path=False,
                show_level=False,
                log_time_format="%H:%M:%S",
                highlighter=NullHighlighter(),
            )
        )
