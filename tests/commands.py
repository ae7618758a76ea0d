"""The command line as a user runs it: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, "-m", "sparsecnn"]
# A process started in the background may inherit that Ctrl-C is ignored; this one listens to it, as in a terminal.
LISTENING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("sparsecnn", run_name="__main__")
"""


def environment(**changes: str) -> dict[str, str]:
    """The environment of a subprocess: one thread, no colours, wide lines."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200", **changes}


def sparsecnn(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the program in `folder` to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(),
        timeout=200,
        check=False,
    )


def started(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Starts the program in `folder` and does not wait."""
    return subprocess.Popen(
        [sys.executable, "-c", LISTENING, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(),
    )
