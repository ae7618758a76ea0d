"""The errors that a user can cause, each with the exit code that the command line gives it."""

from typing import Any


class SparsecnnError(Exception):
    """Any error whose message is meant for the user, in one line."""

    exit_code = 1


class ConfigError(SparsecnnError, ValueError):
    """A key, choice, type or value of the configuration that cannot be used."""

    exit_code = 2


class DataError(SparsecnnError, ValueError):
    """Files that are missing, corrupt or wrongly labelled."""

    exit_code = 3


class OutOfReachError(SparsecnnError):
    """A search that accepted nothing, or stopped short of its target."""

    exit_code = 4


class DivergedError(SparsecnnError, ArithmeticError):
    """A loss that is not finite; the candidate has failed, its search goes on. `epochs` are those before."""

    epochs: tuple[Any, ...] = ()


class RunLockedError(SparsecnnError):
    """A run folder that another process is writing."""
