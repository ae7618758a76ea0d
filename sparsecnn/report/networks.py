"""The networks of a page, each once: what its points say when they are pointed at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sparsecnn.frontier import finished
from sparsecnn.report.words import memory, number

PHASES = {"base": "dense base", "start": "allocated start"}


@dataclass(frozen=True)
class Networks:
    """The finished networks of a table: `numbers` by (run, key), a line of words each, and `data` for the page."""

    numbers: Mapping[tuple[str, str], int]
    texts: tuple[str, ...]
    data: Mapping[str, Any]


def networks(table: pd.DataFrame) -> Networks:
    """The finished rows of `table` as `Networks`; layers are named once for all networks that share them."""
    rows = finished(table).drop_duplicates(["run", "key"])
    is_of_several = table["run"].nunique() > 1
    layouts: dict[str, int] = {}
    formats: dict[str, int] = {}
    told = []
    for _, row in rows.iterrows():
        title = f"seed {row['seed']}, {_place(row)}"
        whole = f"{row['run']}, {title}" if is_of_several else title
        told.append({"title": whole, **_told(row, layouts, formats)})
    data = {
        "networks": told,
        "layouts": [[[name, size] for name, size in json.loads(layout).items()] for layout in layouts],
        "formats": list(formats),
    }
    keys = zip(rows["run"], rows["key"], strict=True)
    texts = tuple(f"{one['title']}: {one['facts']}" for one in told)
    return Networks({(str(run), str(key)): n for n, (run, key) in enumerate(keys)}, texts, data)


def by_layer(row: "pd.Series[Any]", column: str) -> dict[str, Any]:
    """The JSON object of a column, by layer; empty where there is none."""
    text = row.get(column)
    return dict(json.loads(text)) if isinstance(text, str) else {}


def _told(row: "pd.Series[Any]", layouts: dict[str, int], formats: dict[str, int]) -> dict[str, Any]:
    layout = row["layer_weights"] if isinstance(row.get("layer_weights"), str) else "{}"
    names = list(json.loads(layout))
    kept, budgets, stored = (by_layer(row, name) for name in ("layer_nonzeros", "budgets", "formats"))
    return {
        "facts": _facts(row),
        "key": str(row["key"]),
        "layout": layouts.setdefault(layout, len(layouts)),
        "nonzeros": [kept.get(name) for name in names],
        "budgets": [budgets.get(name) for name in names],
        "formats": [formats.setdefault(stored[name], len(formats)) if name in stored else None for name in names],
    }


def _facts(row: "pd.Series[Any]") -> str:
    """Memory and accuracies, for those who cannot see where a point lies."""
    measured = [(name, row[f"{column}_accuracy"]) for name, column in (("validation", "val"), ("test", "test"))]
    known = [f"{name} {number(value)} %" for name, value in measured if pd.notna(value)]
    return ", ".join([memory(row["memory_bytes"]), *known])


def _place(row: "pd.Series[Any]") -> str:
    """Where in the search a network was trained."""
    phase = str(row["phase"])
    if phase not in ("candidate", "refined"):
        under = row.get("regularizer")
        return f"trained under {under}" if phase == "train" and under else PHASES.get(phase, phase)
    place = f"round {row['round']}, {row['layer']} tightened"
    return f"{place}, trained longer" if phase == "refined" else place
