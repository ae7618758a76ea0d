"""Layer by layer: the densities of chosen networks, and the bytes that their layers take."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sparsecnn.frontier import finished, pareto
from sparsecnn.models import read_tensors
from sparsecnn.report.networks import by_layer
from sparsecnn.report.source import Source
from sparsecnn.report.summary import TRAININGS
from sparsecnn.report.words import MISSING, counted, listed, memory, number
from sparsecnn.storage import PAPER_FORMATS, Storage

WIDEST = 8  # columns of networks that fit a page of paper
FEW_RUNS = 3
FLOAT32_BITS = 32
SHADES = 9
OTHERS = "biases, normalisation"


@dataclass(frozen=True)
class Cell:
    """Two lines of text and a shade, 0 (least) to SHADES."""

    text: str
    below: str = ""
    shade: int = 0


@dataclass(frozen=True)
class LayerTable:
    """A row for each layer, a column for each network.

    `heads` are the two lines above each column, memory and accuracy; `rows` the names of the layers with their cells.
    """

    caption: str
    heads: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def density_tables(table: pd.DataFrame) -> list[LayerTable]:
    """Densities of the frontier of each run and seed, and of all trainings of one architecture.

    Of more networks than fit, those that divide the frontier evenly.
    """
    rows = finished(table).drop_duplicates(["run", "key"])
    rows = rows[rows["layer_nonzeros"].notna() & rows["memory_bytes"].notna()]
    found = []
    for whose, part in _groups(rows):
        is_of_trainings = part["phase"].isin(TRAININGS).all()
        path = part.sort_values("memory_bytes", kind="stable") if is_of_trainings else pareto(part)
        found += [_densities(path, whose)] if len(path) else []
    return found


def byte_tables(sources: Sequence[Source], chosen: Sequence[tuple[str, str]]) -> list[LayerTable]:
    """Bytes and format of each layer of the networks `chosen`, as far as their weights are there.

    Without the weights, or where the table counts another kind of memory, the formats stand alone. Of trainings the
    first seed of each run is told.
    """
    table = pd.concat([source.candidates for source in sources], ignore_index=True)
    made = {run: source for source in sources for run in source.runs}
    rows = finished(table).drop_duplicates(["run", "key"])
    places = {pair: place for place, pair in enumerate(zip(rows["run"], rows["key"], strict=True))}
    rows = rows.iloc[[places[pair] for pair in chosen if pair in places]]
    found = []
    for whose, part in _groups(rows[rows["formats"].notna()]):
        shown = part.drop_duplicates("run") if part["phase"].isin(TRAININGS).all() else part
        for first in range(0, len(shown), WIDEST):
            found.append(_bytes(shown.iloc[first : first + WIDEST], made, whose))
    return found


def layer_bytes(row: "pd.Series[Any]", source: Source) -> dict[str, int]:
    """Bytes of each layer of a network in the format of its row, from its weights.

    Empty when the weights are not there, or when what they take and the values that are never sparse are not together
    the memory of the row.
    """
    path = source.folder / "checkpoints" / f"{row['key']}.safetensors"
    formats = by_layer(row, "formats")
    if not path.is_file() or not set(formats.values()) <= set(PAPER_FORMATS):
        return {}
    value_bits = int(str(source.settings.get("storage.value_bits", FLOAT32_BITS)))
    storage = Storage(value_bits, few_bits=by_layer(row, "layer_bits"))
    tensors = read_tensors(path)
    if any(f"{name}.weight" not in tensors for name in formats):
        return {}
    found = {
        name: storage.bytes_in(PAPER_FORMATS[form], tensors[f"{name}.weight"], name) for name, form in formats.items()
    }
    never_sparse = int(row["dense_bytes"]) - storage.dense_bytes(by_layer(row, "layer_weights"), 0)
    return found if sum(found.values()) + never_sparse == row["memory_bytes"] else {}


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """What stands in one table, with its name: a run and seed of a search, or trainings of one architecture."""
    are_trainings = rows["phase"].isin(TRAININGS)
    is_of_several = rows["run"].nunique() > 1
    for (run, seed), part in rows[~are_trainings].groupby(["run", "seed"], sort=False):
        yield f"{run}, seed {seed}" if is_of_several else f"seed {seed}", part
    for _, part in rows[are_trainings].groupby("layer_weights", sort=False):
        runs = part["run"].nunique()
        yield listed(part["run"]) if runs <= FEW_RUNS else counted(runs, "run"), part


def _densities(rows: pd.DataFrame, whose: str) -> LayerTable:
    places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), WIDEST)).round().astype(int))
    shown = rows.iloc[places]
    sizes = by_layer(shown.iloc[0], "layer_weights")
    kept = [by_layer(row, "layer_nonzeros") for _, row in shown.iterrows()]
    lines = [
        (f"{name} ({size:,})", [_density(nonzeros.get(name), size) for nonzeros in kept])
        for name, size in sizes.items()
    ]
    some = (
        "" if len(shown) == len(rows) else f"; {len(shown)} of {len(rows)} networks, from the smallest to the largest"
    )
    return LayerTable(f"{whose}{some}", [_head(row) for _, row in shown.iterrows()], lines)


def _density(nonzeros: int | None, weights: int) -> Cell:
    if nonzeros is None or not weights:
        return Cell(MISSING)
    density = nonzeros / weights
    # Half a decade less is one and a half shades less, so that one and two percent differ, too.
    shade = 0 if density <= 0 else max(0, round(SHADES + 3 * np.log10(density)))
    return Cell(f"{100 * density:.3g} %", shade=int(shade))


def _bytes(rows: pd.DataFrame, made: Mapping[str, Source], whose: str) -> LayerTable:
    names = list(by_layer(rows.iloc[0], "layer_weights"))
    columns = [_column(row, layer_bytes(row, made[str(row["run"])]), names) for _, row in rows.iterrows()]
    labels = [*names, OTHERS, "together"]
    lines = [(label, [column[place] for column in columns]) for place, label in enumerate(labels)]
    return LayerTable(whose, [_head(row) for _, row in rows.iterrows()], lines)


def _column(row: "pd.Series[Any]", found: Mapping[str, int], names: Sequence[str]) -> list[Cell]:
    formats, whole = by_layer(row, "formats"), int(row["memory_bytes"])
    cells = [
        Cell(memory(found.get(name)), formats.get(name, MISSING), _share(found.get(name, 0), whole)) for name in names
    ]
    rest = whole - sum(found.values()) if found else None
    return [*cells, Cell(memory(rest), shade=_share(rest or 0, whole)), Cell(memory(whole))]


def _share(part: int, whole: int) -> int:
    return round(SHADES * part / whole) if whole else 0


def _head(row: "pd.Series[Any]") -> tuple[str, str]:
    accuracy = row["val_accuracy"] if pd.notna(row["val_accuracy"]) else row["test_accuracy"]
    return memory(row["memory_bytes"]), f"{number(accuracy)} %"
