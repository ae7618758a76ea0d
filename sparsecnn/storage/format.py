"""What a storage format is."""

from collections.abc import Callable
from dataclasses import dataclass

from sparsecnn.storage.masks import Geometry, Mask, Positions

BYTE = 8


@dataclass(frozen=True)
class Size:
    """What a mask takes in a format: `entries` values, and the bits that say where they belong."""

    entries: int
    position_bits: int

    @property
    def position_bytes(self) -> int:
        """Positions are filled up to a whole byte, so that the values behind them begin on one."""
        return -(-self.position_bits // BYTE)


@dataclass(frozen=True)
class Format:
    """One way to store where values belong; the values themselves are stored beside it.

    Its entries are the positions that are given a value: all of the matrix in the dense format, the nonzeros in most,
    the nonzeros and some zeros in others. `len(encode(mask)) == size(mask).position_bytes`, and `decode`, told the
    geometry and the number of entries, undoes `encode` to `entries(mask)`; it raises ValueError for damaged data.
    """

    name: str
    size: Callable[[Mask], Size]
    entries: Callable[[Mask], Positions]
    encode: Callable[[Mask], bytes]
    decode: Callable[[bytes, Geometry, int], Positions]


def nonzero_positions(mask: Mask) -> Positions:
    """The entries of a format that stores nonzeros alone."""
    return mask.positions


def require(condition: bool, message: str) -> None:
    """ValueError with `message` unless `condition` holds."""
    if not condition:
        raise ValueError(message)
