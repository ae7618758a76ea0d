"""What `memory` prints and writes."""

from collections.abc import Sequence
from pathlib import Path

import click

from sparsecnn.config import build, compose
from sparsecnn.experiments.memory import Told
from sparsecnn.results import write_table
from sparsecnn.sizes import readable


def tell(overrides: Sequence[str], output: Path | None) -> None:
    """Prints the dense memory and the table of densities, and writes the latter to `output`."""
    composed = compose("memory", overrides)
    told: Told = build(composed.nodes).execute()
    click.echo(
        f"{composed.choices['model']}: {told.weights:,} weights in {told.layers} layers, {told.other_values:,} other "
        f"values; dense {told.dense_bytes:,} bytes ({readable(told.dense_bytes)})"
    )
    click.echo(
        f"within {told.target_bytes:,.0f} bytes ({readable(told.target_bytes)}), the same density in all layers:\n"
    )
    click.echo(_text(told))
    click.echo("\nbytes: exact, or the mean over random places; periodic, for places that repeat, is left out")
    if output is not None:
        click.echo(write_table(told.table, output))


def _text(told: Told) -> str:
    shown = told.table[["format", "density", "nonzeros", "memory_bytes"]].rename(columns={"memory_bytes": "bytes"})
    shown["density"] = shown.density.map("{:.4f}".format, na_action="ignore")
    for name in ("nonzeros", "bytes"):
        shown[name] = shown[name].map("{:,}".format, na_action="ignore")
    shown["bytes are"] = told.table.is_exact.map({True: "exact", False: "a mean"})
    return shown.astype(object).fillna("-").to_string(index=False)
