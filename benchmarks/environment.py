"""What all tables of benchmarks have: the spread of their ratios, the machine that they were measured on."""

import os
import platform
from pathlib import Path

import pandas as pd
import torch


def processor() -> str:
    """The name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def spread(ratios: pd.Series) -> dict[str, float]:
    """Median and quartiles, as columns."""
    shares = {"ratio_median": 0.5, "ratio_lower_quartile": 0.25, "ratio_upper_quartile": 0.75}
    return {name: float(ratios.quantile(share)) for name, share in shares.items()}


def write(table: pd.DataFrame, path: Path) -> None:
    """`table` with the machine in its last columns, as CSV."""
    machine = {"processor": processor(), "cores": os.cpu_count(), "torch": torch.__version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    table.assign(python=platform.python_version(), **machine).to_csv(path, index=False, float_format="%.4f")
