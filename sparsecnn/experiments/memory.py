"""`memory`: what a network takes, dense and within a target, told from its shapes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import pandas as pd
from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.models import built, few_bits, other_values, prunable_weights, weight_counts
from sparsecnn.sizes import to_bytes
from sparsecnn.storage import Geometry, Shapes, Storage, fits


@dataclass(frozen=True)
class Told:
    """The memory of a network: `table` has a row for each format in which it is to take `target_bytes`."""

    layers: int
    weights: int
    other_values: int
    dense_bytes: int
    target_bytes: float
    table: pd.DataFrame


@dataclass(frozen=True)
class Memory:
    """The network that `model` gives at its own sizes; `target` is an amount of memory, or a share like "1/4"."""

    model: Callable[..., nn.Module]
    storage: Storage
    target: str | float

    def __post_init__(self) -> None:
        self._bytes(1)  # so that a text that is no size is refused at once

    def execute(self) -> Told:
        """Builds the network and counts; ConfigError for one that needs sizes which nothing gives."""
        model = built(self.model)
        counts = weight_counts(model)
        geometries = {name: Geometry.of(tuple(weight.shape)) for name, weight in prunable_weights(model).items()}
        shapes = Shapes(geometries, counts, other_values(model))
        storage = replace(self.storage, few_bits=few_bits(model))
        weights = sum(counts.values())
        dense_bytes = storage.dense_bytes(counts, shapes.other_values)
        target_bytes = self._bytes(dense_bytes)
        table = pd.DataFrame([asdict(fit) for fit in fits(shapes, target_bytes, storage)])
        table = table.astype({"nonzeros": "Int64", "memory_bytes": "Int64", "density": "Float64"})
        table = table.assign(target_bytes=target_bytes, weights=weights, dense_bytes=dense_bytes)
        return Told(len(counts), weights, shapes.other_values, dense_bytes, target_bytes, table)

    def _bytes(self, dense_bytes: int) -> float:
        try:
            return to_bytes(self.target, dense_bytes)
        except ValueError as error:
            raise ConfigError(f"target: {error}") from error
