"""A layer in flash: the form of its positions that takes the fewest bytes, and how C walks it."""

from dataclasses import dataclass

import numpy as np

from sparsecnn.export.c_positions import StoredPositions, position_forms
from sparsecnn.export.c_text import Constant
from sparsecnn.export.c_values import StoredValues, stored_values
from sparsecnn.export.parts import Layer

# A value for each weight is never smaller than a mask where fewer weights than this share are nonzero.
LEAST_DENSITY_OF_ALL = 0.5


@dataclass(frozen=True)
class StoredLayer:
    """What C needs of a layer that has nonzeros."""

    positions: StoredPositions
    values: StoredValues

    @property
    def bytes(self) -> int:
        """What it takes in flash."""
        return self.positions.bytes + self.values.bytes

    @property
    def constants(self) -> list[Constant]:
        """Its arrays."""
        return [*([self.positions.constant] if self.positions.constant else []), *self.values.constants]

    @property
    def helpers(self) -> set[str]:
        """The functions in C that read it."""
        return {self.positions.helper, *self.values.helpers} | (
            {"nibble"} if self.positions.helper == "walk_gaps4" else set()
        )

    @property
    def walk(self) -> str:
        """The state in which a walk begins."""
        codes = self.positions.constant.name if self.positions.constant else "0"
        return f"{{{codes}, {self.positions.codes}, 0, 0, 0, -1}}"


def stored_layer(name: str, layer: Layer) -> StoredLayer | None:
    """`layer` in its smallest form, its arrays beginning with `name`; None if it has no nonzeros."""
    positions, size = layer.weight.positions.astype(np.intp), layer.rows * layer.columns
    if not len(positions):
        return None
    every, *sparse = position_forms(name, positions, size=size)
    cheapest = min(sparse, key=lambda form: form.bytes)
    best = StoredLayer(cheapest, stored_values(name, layer, positions))
    if len(positions) >= LEAST_DENSITY_OF_ALL * size:
        dense = StoredLayer(every, stored_values(name, layer, every.entries))
        best = min(dense, best, key=lambda option: option.bytes)
    return best
