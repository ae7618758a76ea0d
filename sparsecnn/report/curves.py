"""Whose colour is which: a curve for each run and seed, or for fewer where those are too many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sparsecnn.plots.style import LINES, PALETTE, short_names


@dataclass(frozen=True)
class Curve:
    """A name in the legend, the whole of it, and the places of its colour and its line style."""

    name: str
    whole: str
    colour: int
    dash: int


@dataclass(frozen=True)
class Curves:
    """The curves of a page, and the place of each by run and seed."""

    curves: tuple[Curve, ...]
    places: Mapping[tuple[str, int], int]

    def number(self, run: object, seed: object) -> int:
        """The place of the curve of a run and seed."""
        return self.places[str(run), int(str(seed))]


def curves(table: pd.DataFrame) -> Curves:
    """The curves of the runs and seeds in `table`, in its order.

    Where there are more than colours, a curve is that of all runs under one regularizer, or else of all seeds of a run.
    """
    pairs = [(str(run), int(seed)) for run, seed in table[["run", "seed"]].drop_duplicates().itertuples(index=False)]
    if len(pairs) <= len(PALETTE):
        return _of(pairs, {pair: _name(pair, table["run"].nunique() > 1) for pair in pairs})
    under = _regularizers(table)
    return _of(pairs, {(run, seed): under.get(run, run) for run, seed in pairs})


def _of(pairs: Sequence[tuple[str, int]], names: Mapping[tuple[str, int], str]) -> Curves:
    """A curve for each of the different names."""
    found = list(dict.fromkeys(names.values()))
    shown = [
        _curve(short, name, place) for place, (short, name) in enumerate(zip(short_names(found), found, strict=True))
    ]
    return Curves(tuple(shown), {pair: found.index(names[pair]) for pair in pairs})


def _name(pair: tuple[str, int], is_of_several: bool) -> str:
    return f"{pair[0]}, seed {pair[1]}" if is_of_several else f"seed {pair[1]}"


def _regularizers(table: pd.DataFrame) -> Mapping[str, str]:
    """The regularizer of each run, nothing where they are all one."""
    if "regularizer" not in table or table["regularizer"].nunique() < 2:
        return {}
    return {str(run): str(name) for run, name in table[["run", "regularizer"]].itertuples(index=False)}


def _curve(name: str, whole: str, place: int) -> Curve:
    return Curve(name, whole, place % len(PALETTE), place // len(PALETTE) % len(LINES))
