"""What `bench-training-memory` prints and writes."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from sparsecnn.cli.drawing import write_figure
from sparsecnn.config import build, compose, sweep
from sparsecnn.results import write_table
from sparsecnn.sizes import readable


def measure(overrides: Sequence[str], output: Path | None) -> None:
    """Prints a row for each combination of values in `overrides`, and writes them to files beginning with `output`."""
    jobs = sweep(overrides)
    rows = []
    for job in jobs:
        found = build(compose("bench_training_memory", job).nodes).execute()
        rows.append({**_varied(job, jobs), "kept_bytes": found.kept, "peak_bytes": found.peak})
        click.echo(f"{_named(job, jobs)}kept {readable(found.kept)}, at most {readable(found.peak)}")
    table = pd.DataFrame(rows)
    if output is None:
        return
    numbers = [name for name in table.columns[:-2] if pd.api.types.is_numeric_dtype(table[name])]
    if numbers:
        write_figure("training_memory", table, output)
    else:
        click.echo(write_table(table, output.with_suffix(".csv")))


def _varied(job: Sequence[str], jobs: Sequence[Sequence[str]]) -> dict[str, object]:
    """The values of `job` in which the jobs differ, whole numbers as such."""
    differing = [place for place in range(len(job)) if len({other[place] for other in jobs}) > 1]
    pairs = (job[place].split("=", 1) for place in differing)
    return {name.lstrip("+"): int(value) if value.isdigit() else value for name, value in pairs}


def _named(job: Sequence[str], jobs: Sequence[Sequence[str]]) -> str:
    text = " ".join(f"{name}={value}" for name, value in _varied(job, jobs).items())
    return f"{text}: " if text else ""
