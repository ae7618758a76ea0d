"""What `operations` prints and writes."""

from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from sparsecnn.config import build, compose
from sparsecnn.results import write_table

SHOWN = ["layer", "weight_bits", "activation_bits", "float_multiply_adds", "ands", "row_counts", "written_bits"]
COUNTED = SHOWN[3:]


def tell(overrides: Sequence[str], output: Path | None) -> None:
    """Prints the operations of each layer and of all, and writes the table to `output`."""
    composed = compose("operations", overrides)
    table: pd.DataFrame = build(composed.nodes).execute()
    click.echo(_text(table))
    products = int((table["products"] + table["others"]).sum())
    joules = float(table["joules"].sum())
    click.echo(
        f"\n{composed.choices['model']}, an image: {products:,} multiply-adds; {1e6 * joules:.4g} uJ by energies that "
        f"are assumed, {1e12 * joules / max(products, 1):.3g} pJ each"
    )
    if output is not None:
        click.echo(write_table(table, output))


def _text(table: pd.DataFrame) -> str:
    total = {"layer": "together", "weight_bits": "", "activation_bits": "", **table[COUNTED].sum()}
    shown = pd.concat([table[SHOWN].astype(object), pd.DataFrame([total])], ignore_index=True)
    for name in COUNTED:
        shown[name] = shown[name].map("{:,}".format)
    shown["uJ"] = [f"{1e6 * joules:.4g}" for joules in [*table["joules"], table["joules"].sum()]]
    return shown.to_string(index=False)
