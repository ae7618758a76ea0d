"""Names for the runs of a sweep, whose own ones are hashes."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

HASHED = re.compile(r"-[0-9a-f]{8}$")  # how a run is named that was given no name
NUMBER = re.compile(r"([0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)")


def _text(column: str) -> Callable[[pd.DataFrame], str]:
    return lambda rows: " and ".join(dict.fromkeys(rows[column].dropna().astype(str))) if column in rows else ""


def _networks(rows: pd.DataFrame) -> str:
    sizes = {len(json.loads(members)) for members in rows["members"].dropna()} if "members" in rows else set()
    return f"{max(sizes)} network{'s' * (max(sizes) > 1)}" if sizes else ""


def _images(rows: pd.DataFrame) -> str:
    known = rows["train_images"].dropna() if "train_images" in rows else pd.Series(dtype=float)
    return "" if known.empty else f"{int(known.iloc[0]):,} images"


def _density(rows: pd.DataFrame) -> str:
    finished = rows[["nonzeros", "weights"]].dropna().astype(float)
    return "" if finished.empty else f"density {(finished['nonzeros'] / finished['weights']).mean():.3g}"


# In the order in which they are tried.
FACTS: tuple[Callable[[pd.DataFrame], str], ...] = (
    *(_text(column) for column in ("model", "data", "regularizer")),
    _networks,
    _images,
    _text("allocation"),
    _density,
)


def names_of(table: pd.DataFrame) -> Mapping[str, str]:
    """What the runs in `table` differ in, as a name for each, such as "l1_shrinkage, 27,001 images".

    In the order of these names, in which numbers count as numbers. Each run keeps its own name where one of them is not
    a hash, or where rows do not tell all of them apart.
    """
    runs = {str(run): rows for run, rows in table.groupby("run", sort=False)}
    own = {run: run for run in runs}
    if len(runs) < 2 or not all(HASHED.search(run) for run in runs):
        return own
    names = dict.fromkeys(runs, "")
    for fact in FACTS:
        told = {run: ", ".join(filter(None, (names[run], fact(rows)))) for run, rows in runs.items()}
        if len(set(told.values())) > len(set(names.values())):
            names = told
        if len(set(names.values())) == len(runs):
            return dict(sorted(names.items(), key=lambda item: _order(item[1])))
    return own


def named(tables: Mapping[Path, pd.DataFrame]) -> dict[Path, pd.DataFrame]:
    """The tables of runs (`read_each`) under these names and in their order."""
    names = names_of(pd.concat(tables.values(), ignore_index=True))
    places = {run: place for place, run in enumerate(names)}
    ordered = {
        path: table.sort_values("run", key=lambda run: run.map(places), kind="stable") for path, table in tables.items()
    }
    paths = sorted(ordered, key=lambda path: places[ordered[path]["run"].iloc[0]])
    return {path: ordered[path].assign(run=ordered[path]["run"].map(names)) for path in paths}


def _order(name: str) -> list[tuple[float, str]]:
    parts = NUMBER.split(name)  # text and numbers in turn
    return [(0.0, part) if place % 2 == 0 else (float(part.replace(",", "")), "") for place, part in enumerate(parts)]
