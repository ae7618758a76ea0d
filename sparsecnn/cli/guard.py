"""Errors to one line and an exit code."""

import logging
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from sparsecnn.errors import SparsecnnError

INTERRUPTED = 130


@contextmanager
def guarded(*, debug: bool) -> Iterator[None]:
    """Ends the process with the right exit code when the body raises; `debug` shows the traceback.

    SIGTERM is taken like Ctrl-C, so that a job scheduler's notice also saves what is there.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except click.ClickException:
        raise
    except KeyboardInterrupt:
        _say("interrupted; what is finished is saved, and the same command goes on from here", debug)
        sys.exit(INTERRUPTED)
    except SparsecnnError as error:
        _say(f"error: {error}", debug)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except SystemExit as error:  # code of the user's own that was imported or called
        _say(f"error: the program was ended from within, with the exit code {error.code}", debug)
        sys.exit(1)
    except Exception as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        hint = "" if debug else " (--debug shows where)"
        _say(f"error: {type(error).__name__}: {first}{hint}", debug)
        sys.exit(1)


def _say(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    logging.getLogger("sparsecnn").debug(message)
    click.echo(message, err=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
