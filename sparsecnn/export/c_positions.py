"""Positions of a layer in flash, in a form that is walked in order without decoding it: a mask, or gaps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.export.c_text import Constant, integers
from sparsecnn.export.c_values import nibbles

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class StoredPositions:
    """`entries` are the positions that get a value; `helper` walks them; `codes` is how many codes it reads."""

    helper: str
    entries: Indices
    constant: Constant | None
    codes: int

    @property
    def bytes(self) -> int:
        """What they take in flash."""
        return self.constant.bytes if self.constant else 0


def position_forms(name: str, positions: Indices, *, size: int) -> list[StoredPositions]:
    """All forms in which ascending `positions`, at least one, of `size` weights can be stored."""
    every = StoredPositions("walk_all", np.arange(size), None, 0)
    return [every, _mask(name, positions, size), _gaps4(name, positions), _gaps8(name, positions)]


def _mask(name: str, positions: Indices, size: int) -> StoredPositions:
    bits = np.zeros(size, np.uint8)
    bits[positions] = 1
    packed = np.packbits(bits, bitorder="little")
    return StoredPositions("walk_mask", positions, integers(f"{name}_mask", "uint8_t", packed.tolist()), size)


def _gaps4(name: str, positions: Indices) -> StoredPositions:
    codes = gap_codes(positions, filler=15)
    # A half that is left over is a filler, which has no value.
    whole = np.append(codes, np.full(len(codes) % 2, 15, codes.dtype))
    return StoredPositions("walk_gaps4", positions, nibbles(f"{name}_gaps", whole), len(whole))


def _gaps8(name: str, positions: Indices) -> StoredPositions:
    codes = gap_codes(positions, filler=255)
    return StoredPositions("walk_gaps8", positions, integers(f"{name}_gaps", "uint8_t", codes.tolist()), len(codes))


def gap_codes(positions: Indices, *, filler: int) -> Indices:
    """The zeros before each position; `filler` stands for so many zeros and for no position."""
    gaps = np.diff(positions, prepend=-1) - 1
    fillers, rest = np.divmod(gaps, filler)
    codes = np.full(int(fillers.sum()) + len(gaps), filler)
    codes[np.cumsum(fillers + 1) - 1] = rest
    return codes


WALK_TYPE = """\
/* A way through the nonzero weights of a layer, in order: row by row, each row channel by channel. */
typedef struct {
    const uint8_t *codes;
    int32_t count;    /* codes */
    int32_t at;       /* the next code */
    int32_t next;     /* the first weight that has not been passed */
    int32_t position; /* of the weight that was found last */
    int32_t entry;    /* its number among the stored values */
} walk_state;
"""

_GAPS: Callable[..., str] = """\
/* Gaps of {bits} bits, a filler being {filler} zeros: whether there is a further weight before `end`. */
static int walk_gaps{bits}(walk_state *walk, int32_t end)
{{
    while (walk->at < walk->count) {{
        const int32_t code = {read};
        if (code != {filler} && walk->next + code >= end) {{
            return 0;
        }}
        walk->at++;
        walk->next += code;
        if (code != {filler}) {{
            walk->position = walk->next++;
            walk->entry++;
            return 1;
        }}
    }}
    return 0;
}}
""".format

HELPERS = {
    "walk_all": """\
/* All weights are stored: whether there is a further one before `end`. */
static int walk_all(walk_state *walk, int32_t end)
{
    if (walk->next >= end) {
        return 0;
    }
    walk->position = walk->next++;
    walk->entry = walk->position;
    return 1;
}
""",
    "walk_mask": """\
/* A bit for each weight: whether there is a further nonzero one before `end`. */
static int walk_mask(walk_state *walk, int32_t end)
{
    while (walk->next < end) {
        const int32_t position = walk->next++;
        if (walk->codes[position / 8] >> position % 8 & 1) {
            walk->position = position;
            walk->entry++;
            return 1;
        }
    }
    return 0;
}
""",
    "walk_gaps4": _GAPS(bits=4, filler=15, read="nibble(walk->codes, walk->at)"),
    "walk_gaps8": _GAPS(bits=8, filler=255, read="walk->codes[walk->at]"),
}
