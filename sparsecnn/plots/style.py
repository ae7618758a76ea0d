"""The look of every figure, and the two files that a figure is saved as."""

import io
import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe & Ito 2008, "Color Universal Design", without its yellow, which is too faint for a line on
# white. Black comes last.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", ":", "-.")
GREY = "#555555"
WIDTH_INCHES = 7.2
PNG_DPI = 200
MAX_LABEL = 48

# Any, because matplotlib types the keys as literals and the values one by one.
RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that pictures agree across machines
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.which": "major",
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "svg.hashsalt": "sparsecnn",  # element ids would be random otherwise
    "svg.fonttype": "path",
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Matplotlib's settings for a figure of a paper, from its defaults, inside the `with` block."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def run_look(position: int) -> tuple[str, str]:
    """Colour and line style of the run at `position`; 28 differ, then they repeat."""
    return PALETTE[position % len(PALETTE)], LINES[position // len(PALETTE) % len(LINES)]


def shortened(text: str, longest: int = MAX_LABEL) -> str:
    """`text` with its middle replaced by an ellipsis when it has more than `longest` characters."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def legend_columns(labels: list[str]) -> int:
    """How many columns of a legend fit side by side above the panels of a figure."""
    column_inches = 0.55 + 0.068 * max(len(label) for label in labels)  # handle, then letters
    return max(1, min(len(labels), int(WIDTH_INCHES / column_inches)))


def add_caption(figure: Figure, text: str) -> None:
    """Write `text` in small type below the panels, wrapped to the width of the figure."""
    letters = int(figure.get_figwidth() / 0.061)
    wrapped = textwrap.fill(text, letters)
    figure.supxlabel(wrapped, x=0.01, ha="left", fontsize=7.5, color=GREY)


def save(figure: Figure, stem: str | Path) -> list[Path]:
    """Write `figure` to `stem`.png (200 dots an inch) and `stem`.svg, and return both paths.

    `stem` is a path without a suffix; its folder is made when missing. The same figure gives the
    same bytes, and each file appears whole or not at all.
    """
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, dict[str, None]] = {"png": {"Software": None}, "svg": {"Date": None}}
    paths = []
    for kind, tags in metadata.items():
        picture = io.BytesIO()
        with paper_style():
            figure.savefig(picture, format=kind, dpi=PNG_DPI, metadata=tags)
        paths.append(stem.with_name(f"{stem.name}.{kind}"))
        _write_whole(paths[-1], picture.getvalue())
    return paths


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
