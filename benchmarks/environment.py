"""The machine that a benchmark ran on, as columns of its table."""

import os
import platform
from pathlib import Path

import pandas as pd
import torch


def processor() -> str:
    """The name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def write(table: pd.DataFrame, path: Path) -> None:
    """`table` with the machine in its last columns, as CSV."""
    machine = {"processor": processor(), "cores": os.cpu_count(), "torch": torch.__version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    table.assign(python=platform.python_version(), **machine).to_csv(path, index=False, float_format="%.4f")
