"""The command line: `sparsecnn COMMAND [OVERRIDES]...`."""

from sparsecnn.cli.main import main

__all__ = ["main"]
