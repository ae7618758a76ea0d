"""Layers by kind, each kind in shades of its own colour."""

from collections import Counter
from collections.abc import Sequence

from matplotlib.colors import to_hex, to_rgb

# Of the palette in style: a colour a kind, the darkest shade nearest the input.
COLOURS = {
    "convolution": "#0072B2",
    "1 x 1 convolution": "#009E73",
    "inner product": "#D55E00",
    "layer": "#555555",
}
UNKNOWN = "layer"
# How far the lightest shade is on the way to white.
LIGHTEST = 0.75


def kind(shape: Sequence[int] | None) -> str:
    """Of a layer whose weights have `shape`, outputs first; UNKNOWN where the table does not say it."""
    if shape is None:
        return UNKNOWN
    if len(shape) == 2:
        return "inner product"
    return "1 x 1 convolution" if all(side == 1 for side in shape[2:]) else "convolution"


def colours(kinds: Sequence[str]) -> list[str]:
    """A colour a layer, in network order."""
    counts, seen = Counter(kinds), Counter[str]()
    found = []
    for name in kinds:
        share = LIGHTEST * seen[name] / max(counts[name] - 1, 1)
        found.append(_towards_white(COLOURS[name], share))
        seen[name] += 1
    return found


def _towards_white(colour: str, share: float) -> str:
    red, green, blue = (part + share * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))
