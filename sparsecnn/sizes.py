"""Amounts of memory as people write them."""

import re

UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*")


def to_bytes(size: str | float, dense_bytes: int) -> float:
    """`size` in bytes: a number, a text like "64KiB" or "1.5 MiB", or a share of dense memory like "1/20" or "4/5".

    Raises ValueError for anything else, with the forms that are understood.
    """
    text = str(size)
    share, found = _SHARE.fullmatch(text), _SIZE.fullmatch(text)
    if share and float(share[1]) > 0 and float(share[2]) > 0:
        return dense_bytes * float(share[1]) / float(share[2])
    if found and found[2].upper() in UNITS and float(found[1]) > 0:
        return float(found[1]) * UNITS[found[2].upper()]
    raise ValueError(f'memory must be above 0, like 65536, 64KiB, 1.5MiB or 1/20 of dense, got "{size}"')


def readable(size: float) -> str:
    """`size` in bytes as text, such as "56.9 KiB"."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} B"
