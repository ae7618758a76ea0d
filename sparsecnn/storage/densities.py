"""What a network takes at a density, told from its shapes alone, and the density at which it takes a given memory.

The layers of a network keep the same share of their weights. `dense`, `bitmask` and `csr` take bytes that the places of
the nonzeros do not change, so these are exact. `relative_b` takes fillers, whose number is the mean over random places.
`periodic` is for places that repeat, which random ones do not: it is left out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sparsecnn.storage.format import BYTE, Format
from sparsecnn.storage.masks import Geometry, Mask
from sparsecnn.storage.memory import Storage

CHEAPEST = "cheapest"
RELATIVE = "relative_"
# Halvings of an interval of densities: as fine as a float64.
STEPS = 53


@dataclass(frozen=True)
class Shapes:
    """The prunable layers of a network, how many weights each may have, and how many values stay dense beside them."""

    geometries: Mapping[str, Geometry]
    weights: Mapping[str, int]
    other_values: int

    def kept(self, density: float) -> dict[str, int]:
        """The nonzeros of each layer: the same share of all, at least one weight."""
        return {name: max(1, math.floor(density * count)) for name, count in self.weights.items()}


@dataclass(frozen=True)
class Fit:
    """The greatest density at which a network takes at most a target in one format; None where it takes more at any."""

    format: str
    is_exact: bool
    density: float | None
    nonzeros: int | None
    memory_bytes: int | None


def fits(shapes: Shapes, target_bytes: float, storage: Storage) -> list[Fit]:
    """A row for each format of `storage` in all layers, and a last one for the cheapest of them in each layer."""
    forms = [form for form in storage.choices if form.name != "periodic"]
    alone = [_fit(form.name, [form], shapes, target_bytes, storage) for form in forms]
    return [*alone, _fit(CHEAPEST, forms, shapes, target_bytes, storage)]


def network_bytes(shapes: Shapes, density: float, forms: Sequence[Format], storage: Storage) -> int:
    """Bytes with each layer in the cheapest of `forms`."""
    kept = shapes.kept(density)
    others = shapes.other_values * storage.value_bits // BYTE
    return others + sum(
        min(layer_bytes(form, geometry, kept[name], storage, name) for form in forms)
        for name, geometry in shapes.geometries.items()
    )


def layer_bytes(form: Format, geometry: Geometry, nonzeros: int, storage: Storage, name: str = "") -> int:
    """Whole bytes of a layer with so many nonzeros, at random places if these matter."""
    if form.name.startswith(RELATIVE):
        gap_bits = int(form.name.removeprefix(RELATIVE))
        entries = math.ceil(nonzeros + _fillers(geometry.size, nonzeros, gap_bits))
        return -(-entries * gap_bits // BYTE) + storage.value_bytes(entries, nonzeros, name)
    # These look at how many positions there are, not at where they are; this array of them takes no memory.
    size = form.size(Mask(geometry, np.broadcast_to(np.int32(0), nonzeros)))
    return size.position_bytes + storage.value_bytes(size.entries, nonzeros, name)


def _fillers(size: int, nonzeros: int, gap_bits: int) -> float:
    """The mean number of fillers where every place is nonzero with the same probability.

    A gap of g zeros takes floor(g / 2^b), and has at least k zeros with the probability of a zero to the power of k.
    """
    long = (1.0 - nonzeros / size) ** (1 << gap_bits)
    return nonzeros * long / (1.0 - long)


def _fit(name: str, forms: Sequence[Format], shapes: Shapes, target_bytes: float, storage: Storage) -> Fit:
    def taken(density: float) -> int:
        return network_bytes(shapes, density, forms, storage)

    is_exact = not any(form.name.startswith(RELATIVE) for form in forms)
    density = 1.0 if taken(1.0) <= target_bytes else _greatest(lambda share: taken(share) <= target_bytes)
    if taken(density) > target_bytes:
        return Fit(name, is_exact, None, None, None)
    return Fit(name, is_exact, density, sum(shapes.kept(density).values()), taken(density))


def _greatest(fits_target: Callable[[float], bool]) -> float:
    """The greatest density in [0, 1) that fits, 0 if none does."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits_target(middle) else (low, middle)
    return low
