"""What an exporter needs of a packed network: its program, the shapes of all results, and its values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import ConfigError, DataError
from sparsecnn.packing import outline_of
from sparsecnn.programs import Program, Step
from sparsecnn.storage import PackedLayer, PackedNetwork, SparseWeight, unpack_layer, value_type

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """The nonzeros of a weight, how they are stored, and the scales of its rows if it has such."""

    weight: SparseWeight
    kind: str
    scales: NDArray[np.float32]

    @property
    def rows(self) -> int:
        """Outputs."""
        return self.weight.shape[0]

    @property
    def columns(self) -> int:
        """Weights of one output."""
        return prod(self.weight.shape[1:])


@dataclass(frozen=True)
class Parts:
    """`shapes` are those of all results for one image, the image first; `others` are biases and normalisations."""

    program: Program
    shapes: list[Shape]
    layers: Mapping[str, Layer]
    others: Mapping[str, NDArray[np.float32]]

    @property
    def image_shape(self) -> Shape:
        """[C, H, W]."""
        return self.shapes[0][1:]

    def steps(self) -> list[tuple[int, Step]]:
        """The steps with their numbers, from 1 on."""
        return list(enumerate(self.program.steps, start=1))

    def bias(self, step: Step) -> NDArray[np.float32] | None:
        """The bias of a layer's step if it has one."""
        return self.others[f"{step.layer}.bias"] if "b" in step.options else None

    def normalisation(self, step: Step) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Factor and offset of each channel that a batch normalisation amounts to."""
        mean, variance = (self.others[f"{step.layer}.running_{name}"].astype(np.float64) for name in ("mean", "var"))
        factor = 1 / np.sqrt(variance + step.number("e", 1e-5))
        offset = np.zeros_like(mean)
        if "x" not in step.options:
            factor = factor * self.others[f"{step.layer}.weight"]
            offset = offset + self.others[f"{step.layer}.bias"]
        return factor.astype(np.float32), (offset - mean * factor).astype(np.float32)


def parts_of(network: PackedNetwork) -> Parts:
    """The parts of `network`.

    Raises ConfigError for a network whose file holds no program, DataError for a damaged one.
    """
    if "program" not in network.notes:
        raise ConfigError("a network whose file holds no program cannot be exported")
    try:
        outline = outline_of(network)
        layers = {layer.name: _layer(layer) for layer in network.layers}
    except ValueError as error:
        raise DataError(f"the packed network is damaged: {error}") from error
    assert outline.program is not None
    others = {name: tensor.numpy() for name, tensor in outline.others.items()}
    return Parts(outline.program, outline.result_shapes, layers, others)


def _layer(packed: PackedLayer) -> Layer:
    weight = unpack_layer(packed)
    # A nonzero code can stand for zero where its scale is too small for the table.
    kept = weight.values != 0
    return Layer(SparseWeight(weight.shape, weight.positions[kept], weight.values[kept]), packed.value, _scales(packed))


def _scales(packed: PackedLayer) -> NDArray[np.float32]:
    if not (packed.value.startswith("int") and packed.nonzeros):
        return np.zeros(0, np.float32)
    rows, width = packed.shape[0], value_type(packed.value).width
    # Code 1 is one times the scale of its row: a column of ones with the same table is the scales.
    bits = np.zeros((rows, width), np.uint8)
    bits[:, -1] = 1
    values = np.packbits(bits).tobytes()
    ones = replace(packed, shape=(rows, 1), format="dense", is_coded=False, nonzeros=rows, entries=rows)
    return unpack_layer(replace(ones, positions=b"", values=values)).values


def refuse(number: int, step: Step, reason: str) -> ConfigError:
    """The error that says why a step cannot be exported."""
    return ConfigError(f"step {number}, {step.operation}, cannot be exported: {reason}")
