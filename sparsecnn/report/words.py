"""Numbers and lists as a reader of the page sees them."""

import math
from collections.abc import Iterable
from numbers import Real

from sparsecnn.sizes import readable

MISSING = "–"  # noqa: RUF001


def is_known(value: object) -> bool:
    """Whether a cell of a table holds a number."""
    return isinstance(value, Real) and not math.isnan(value)


def number(value: object, form: str = ".2f") -> str:
    """`value` in the format `form`, a dash where there is none."""
    return format(value, form) if is_known(value) else MISSING


def change(value: object, base: object) -> str:
    """`value` minus `base` with its sign, in the unit of both; a dash where one of them is missing."""
    if not (is_known(value) and is_known(base)):
        return MISSING
    return f"{round(float(str(value)) - float(str(base)), 2) + 0.0:+.2f}"  # never -0.00


def memory(value: object) -> str:
    """Bytes as "61.0 KiB", a dash where there are none."""
    return readable(float(str(value))) if is_known(value) else MISSING


def listed(words: Iterable[object], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c", each once, in their order."""
    found = list(dict.fromkeys(map(str, words)))
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {last} {found[-1]}"


def counted(count: int, noun: str) -> str:
    """ "1 seed", "2 seeds"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
