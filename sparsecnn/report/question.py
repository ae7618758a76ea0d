"""What the runs were asked, in one sentence."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sparsecnn.frontier import whole_networks
from sparsecnn.report.source import Source
from sparsecnn.report.words import counted, listed, memory


def title(sources: Sequence[Source]) -> str:
    """The networks and the images, as a heading."""
    table = pd.concat([source.candidates for source in sources], ignore_index=True)
    return f"{_names(table, 'model') or 'networks'} on {_images(sources)}"


def question(sources: Sequence[Source]) -> str:
    """The sentence: networks, images, and the limit of the searches or the regularizers of the trainings."""
    table = pd.concat([source.candidates for source in sources], ignore_index=True)
    network, images = _names(table, "model") or "a network", _images(sources)
    are_trainings = table["phase"].isin(["train", "member", "ensemble"])
    if are_trainings.all():
        under = _names(table, "regularizer")
        allocation = _names(table, "allocation")
        return (
            f"How accurate is {network}, trained on {images}"
            + (f" under {under}" if under else "")
            + (f" with the allocation {allocation}" if allocation else "")
            + f", over {counted(whole_networks(table)['seed'].nunique(), 'seed')}?"
        )
    sizes = list(dict.fromkeys(memory(float(size)) for size in table.loc[~are_trainings, "dense_bytes"]))
    dense = f"where the dense network{'s take' if len(sizes) > 1 else ' takes'} {listed(sizes)}"
    return f"How accurate can {network} be on {images} within each limit on memory{_limits(sources)}, {dense}?"


def _names(table: pd.DataFrame, column: str) -> str:
    return listed(name for name in table[column].dropna() if name) if column in table else ""


def _images(sources: Sequence[Source]) -> str:
    """The chosen name of the data, behind that of the folder or whatever it was read from where there is one."""
    found = []
    for source in sources:
        typed = dict(word.split("=", 1) for word in source.typed if "=" in word)
        known = {**typed, **source.settings}
        place = next((str(known[key]) for key in ("data.folder", "data.name") if known.get(key)), None)
        names = source.candidates.get("data", pd.Series(dtype=object)).dropna()
        found += [f"{Path(place).name} ({name})" if place else str(name) for name in names if name]
    return listed(found) or "its images"


def _limits(sources: Sequence[Source]) -> str:
    """Where the searches stop, as far as their settings say."""
    clauses = []
    for key, form in {
        "search.target_memory": "down to {}",
        "search.accuracy_floor": "while validation is at least {} %",
        "search.rounds": "in at most {} rounds",
    }.items():
        values = [source.settings[key] for source in sources if source.settings.get(key) is not None]
        clauses += [form.format(listed(values, "or"))] if values else []
    return f", {', '.join(clauses)}" if clauses else ""
