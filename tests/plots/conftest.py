"""Tables as a search leaves them, small enough to check by hand, and what a drawn figure can be asked."""

import json
from collections.abc import Callable, Iterable
from itertools import combinations

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SIZES = {"conv1": 2400, "conv2": 25600, "conv3": 51200, "ip1": 65536, "ip2": 640}
Rows = Callable[..., pd.DataFrame]


def _row(number: int, val: float | None, memory: int, **changed: object) -> dict[str, object]:
    sizes = changed.get("sizes", SIZES)
    assert isinstance(sizes, dict)
    share = changed.pop("share", 0.5)
    assert isinstance(share, float)
    changed.pop("sizes", None)
    kept = {name: int(size * share) for name, size in sizes.items()}
    facts: dict[str, object] = {
        "run": "quick",
        "seed": 0,
        "number": number,
        "round": number,
        "phase": "candidate" if number else "base",
        "layer": "conv1" if number else None,
        "status": "ok",
        "memory_bytes": memory,
        "dense_bytes": 4 * sum(sizes.values()),
        "nonzeros": sum(kept.values()),
        "weights": sum(sizes.values()),
        "val_accuracy": val,
        "test_accuracy": None if val is None else val - 1,
        "accepted": False,
        "regularizer": "l0_projection",
        "allocation": "dense",
        "budgets": json.dumps(kept),
        "layer_nonzeros": json.dumps(kept),
        "layer_weights": json.dumps(sizes),
    }
    merged = {**facts, **changed}
    merged.setdefault(
        "key", "-".join(str(merged[name]) for name in ("run", "seed", "number", "regularizer", "allocation", "budgets"))
    )
    return merged


@pytest.fixture
def row() -> Callable[..., dict[str, object]]:
    """A row from its number in the search, its validation accuracy and its bytes; the others by name."""
    return _row


@pytest.fixture
def search() -> Rows:
    """A base and `rounds` rounds of two candidates; the better one of each is accepted, the last one is collapsed."""

    def build(rounds: int = 6, **changed: object) -> pd.DataFrame:
        rows = [_row(0, 80.0, 581504, share=1.0, **changed)]
        for number in range(1, 2 * rounds + 1, 2):
            memory, share = 581504 * 0.75**number, 0.8**number
            accepted, beaten = 80 - number / 2, 79 - number / 2
            rows.append(_row(number, accepted, int(memory), **{"accepted": True, "share": share, **changed}))
            rows.append(_row(number + 1, beaten, int(memory) + 9, **{"share": share, **changed}))
        rows.append(_row(2 * rounds + 1, 10.0, 60000, **changed))
        rows.append(_row(2 * rounds + 2, None, 0, status="failed", **changed))
        return pd.DataFrame(rows)

    return build


def _overlapping(figure: Figure, artists: Iterable[Artist]) -> list[str]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [(str(artist), artist.get_window_extent(canvas.get_renderer())) for artist in artists]
    return [f"{one} {other}" for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]


@pytest.fixture
def overlapping() -> Callable[[Figure, Iterable[Artist]], list[str]]:
    """The pairs of artists of a figure whose drawn boxes overlap."""
    return _overlapping


def _cut(figure: Figure) -> bool:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox(canvas.get_renderer())
    return box.x0 < 0 or box.y0 < 0 or box.x1 > figure.get_figwidth() or box.y1 > figure.get_figheight()


@pytest.fixture
def cut() -> Callable[[Figure], bool]:
    """Whether anything of a figure lies outside its page."""
    return _cut
