"""The look of every figure, and the two files that a figure is saved as."""

import io
import math
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise, takewhile
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from sparsecnn.whole_files import write_bytes

# Okabe & Ito 2008, "Color Universal Design", with a brown for its yellow, which is too faint for a line on white.
# Black comes last.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B3F00", "#000000")
LINES = ("-", "--", ":", "-.")
GREY = "#555555"
WIDTH_INCHES = 7.2
PNG_DPI = 200
MAX_LABEL = 44

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
    "text.parse_math": False,  # names of users may have dollar signs
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
    """Colour and line style of the run at `position`; 32 differ, then they repeat."""
    return PALETTE[position % len(PALETTE)], LINES[position // len(PALETTE) % len(LINES)]


def shortened(text: str, longest: int = MAX_LABEL) -> str:
    """`text` with its middle replaced by an ellipsis when it has more than `longest` characters."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def short_names(names: Sequence[str]) -> list[str]:
    """`names` cut to fit a legend; where one is too long, what all begin with goes first."""
    # What the first and the last in alphabetical order share, all share.
    pairs = zip(min(names), max(names), strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if len(names) > 1 and shared > 1 and max(len(name) for name in names) > MAX_LABEL:
        names = [f"…{name[shared:]}" for name in names]
    return [shortened(name) for name in names]


def add_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above the panels, in as few rows as fit, about as long; each further row adds height."""
    lengths = [len(str(handle.get_label())) for handle in handles]
    counts = range(2, len(handles) + 1)
    fitting = [1, *(count for count in counts if _columns_inches(lengths, count) <= figure.get_figwidth())]
    rows = math.ceil(len(handles) / max(fitting))
    columns = min(count for count in fitting if math.ceil(len(handles) / count) == rows)
    figure.set_figheight(figure.get_figheight() + 0.165 * (rows - 1))
    figure.legend(handles=list(handles), loc="outside upper center", ncols=columns)


def _columns_inches(lengths: Sequence[int], columns: int) -> float:
    """The width of a legend with entries of so many letters, which go down its columns."""
    whole, more = divmod(len(lengths), columns)
    ends = [0, *accumulate(whole + (column < more) for column in range(columns))]
    # Handle and gap, then letters of 8 points.
    return sum(0.54 + 0.058 * max(lengths[start:end]) for start, end in pairwise(ends))


def add_caption(figure: Figure, text: str) -> None:
    """Write `text` in small type below the panels, wrapped to the width of the figure."""
    wrapped = textwrap.fill(text, int(figure.get_figwidth() / 0.058))
    figure.supxlabel(wrapped, x=0.01, ha="left", fontsize=7.5, color=GREY)


def save(figure: Figure, stem: str | Path) -> list[Path]:
    """Write `figure` to `stem`.png (200 dots an inch) and `stem`.svg, and return both paths.

    `stem` is a path without a suffix; its folder is made when missing. The same figure gives the
    same bytes, and each file appears whole or not at all.
    """
    stem = Path(stem)
    metadata: dict[str, dict[str, None]] = {"png": {"Software": None}, "svg": {"Date": None}}
    paths = []
    for kind, tags in metadata.items():
        picture = io.BytesIO()
        with paper_style(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a box stands for it
            figure.savefig(picture, format=kind, dpi=PNG_DPI, metadata=tags)
        paths.append(stem.with_name(f"{stem.name}.{kind}"))
        write_bytes(paths[-1], picture.getvalue())
    return paths
