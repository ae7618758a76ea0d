"""The periodic format: supports that repeat along input channels, and move by one from output to output.

Kernel (o, i) has the places of kernel number (o + i) mod p of a tile of p kernels. That costs p times the area of a
kernel in bits, whatever the layer's size; where not all of these places are nonzero, a bit for each says which. Source:
the supports of pSConv (Kundu et al. 2020); the code is this project's choice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.storage.format import BYTE, Format, Size, nonzero_positions, require
from sparsecnn.storage.masks import Geometry, Mask, Positions

LONGEST_PERIOD = 16
# Nonzeros that show whether a period is worth a look at all of them.
SOME = 4096


@dataclass(frozen=True)
class Tile:
    """`kernels`, boolean [period, area]: the places of each kernel of a period."""

    kernels: NDArray[np.bool_]

    @classmethod
    def over(cls, mask: Mask, period: int) -> "Tile":
        """The smallest tile of this period that covers `mask`."""
        area = mask.geometry.area
        kernel, place = np.divmod(mask.positions, area)
        output, channel = np.divmod(kernel, mask.geometry.columns // area)
        kernels = np.zeros((period, area), bool)
        kernels[(output + channel) % period, place] = True
        return cls(kernels)

    def count(self, geometry: Geometry) -> int:
        """How many places a layer has under it."""
        return int(_kernels_of_each(geometry, len(self.kernels)) @ self.kernels.sum(axis=1))

    def places(self, geometry: Geometry) -> Positions:
        """These places, ascending flat positions."""
        channels = geometry.columns // geometry.area
        number = (np.arange(geometry.rows)[:, None] + np.arange(channels)) % len(self.kernels)
        return np.flatnonzero(self.kernels[number].reshape(-1)).astype(np.int32)

    @property
    def data(self) -> bytes:
        """The period in a byte, then a bit a place."""
        return bytes([len(self.kernels)]) + np.packbits(self.kernels.reshape(-1)).tobytes()


def _kernels_of_each(geometry: Geometry, period: int) -> NDArray[np.int64]:
    """How many kernels (o, i) have each value of (o + i) mod period."""
    outputs = np.bincount(np.arange(geometry.rows) % period, minlength=period)
    channels = np.bincount(np.arange(geometry.columns // geometry.area) % period, minlength=period)
    return np.array([outputs @ np.roll(channels[::-1], number + 1) for number in range(period)])


def _best(mask: Mask) -> tuple[int, Tile]:
    """The bits of the shortest code and its tile."""
    tiles = [Tile.over(mask, period) for period in _periods(mask)]
    return min(((_bits(mask, tile), tile) for tile in tiles), key=lambda found: found[0])


def _periods(mask: Mask) -> list[int]:
    """The periods that are worth a look: 1, and those whose tile some of the nonzeros do not fill already."""
    if mask.geometry.area == 1:
        return [1]
    some = Mask(mask.geometry, mask.positions[:: 1 + mask.nonzeros // SOME])
    return [1, *(p for p in range(2, LONGEST_PERIOD + 1) if not Tile.over(some, p).kernels.all())]


def _bits(mask: Mask, tile: Tile) -> int:
    places = tile.count(mask.geometry)
    return BYTE * (len(tile.data) + (0 if places == mask.nonzeros else -(-places // BYTE)))


def _size(mask: Mask) -> Size:
    return Size(mask.nonzeros, _best(mask)[0])


def _encode(mask: Mask) -> bytes:
    _, tile = _best(mask)
    places = tile.places(mask.geometry)
    if len(places) == mask.nonzeros:
        return tile.data
    return tile.data + np.packbits(np.isin(places, mask.positions, assume_unique=True)).tobytes()


def _decode(data: bytes, geometry: Geometry, entries: int) -> Positions:
    require(len(data) > 0 and 1 <= data[0] <= LONGEST_PERIOD, "its code has no period")
    period, area = data[0], geometry.area
    end = 1 + -(-period * area // BYTE)
    require(len(data) >= end, "its code ends too early")
    bits = np.unpackbits(np.frombuffer(data[1:end], np.uint8))
    require(not bits[period * area :].any(), "its tile goes on behind the last kernel")
    tile = Tile(bits[: period * area].reshape(period, area).astype(bool))
    places = tile.places(geometry)
    if len(data) == end:
        require(len(places) == entries, f"its tile has {len(places)} places, not {entries}")
        return places
    inner = np.unpackbits(np.frombuffer(data[end:], np.uint8))
    require(len(inner) == -(-len(places) // BYTE) * BYTE, "its bits are not those of its places")
    require(not inner[len(places) :].any(), "its bits go on behind the last place")
    positions = places[np.flatnonzero(inner)]
    require(len(positions) == entries, f"its code has {len(positions)} ones, not {entries}")
    return positions


PERIODIC = Format("periodic", _size, nonzero_positions, _encode, _decode)
