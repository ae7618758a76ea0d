"""From a network to its packed form, and back to tensors."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sparsecnn.errors import ConfigError, DataError
from sparsecnn.layers.quantisers import Levels, before_quantising
from sparsecnn.models import deployed, few_bits, prunable_weights
from sparsecnn.packing.fine_tune import Numbers, scaled
from sparsecnn.packing.fold import fold_batch_norm
from sparsecnn.programs import Program, UntraceableError, check_program, other_sizes, parse_program, trace, weight_names
from sparsecnn.storage import (
    FORMATS,
    Format,
    PackedLayer,
    PackedNetwork,
    ValueType,
    pack_layer,
    unpack_layer,
    value_type,
)

log = logging.getLogger(__name__)
Shape = tuple[int, ...]
LARGEST_FLOAT16 = 65504.0
FLOAT32 = value_type("float32")


@dataclass(frozen=True)
class Packer:
    """Packs networks of one architecture; `program` is None for one that programs cannot express.

    `layers` are the names of the prunable layers. The weights of those in `few_bits` are quantised to so many bits by
    the layers themselves: a file holds their levels, whatever the type of other values. `notes` go into every file.
    """

    layers: tuple[str, ...]
    program: Program | None
    notes: Mapping[str, str] = field(default_factory=dict)
    few_bits: Mapping[str, int] = field(default_factory=dict)

    def pack(
        self,
        values: Mapping[str, Tensor],
        kind: ValueType = FLOAT32,
        *,
        formats: Iterable[Format] = tuple(FORMATS.values()),
        codes_values: bool = True,
        numbers: Numbers | None = None,
    ) -> PackedNetwork:
        """The packed form of a network with these parameters and buffers, `kind` being how a weight is stored.

        float32 keeps every bit. Any other type folds batch normalisation into the layers first and stores what stays
        dense as float16 if it fits. `numbers` are scales and codebooks of layers that shall not be fitted. Raises
        DivergedError for a value that the type cannot hold.
        """
        program, tensors = self.program, {name: tensor.detach().cpu() for name, tensor in values.items()}
        numbers = dict(numbers or {})
        if program is not None and not kind.is_lossless:
            # Numbers that are not scales of rows fit the weights as they are.
            fitted = () if kind.has_row_scales else numbers
            folded = fold_batch_norm(program, tensors, but_after=frozenset({*self.few_bits, *fitted}))
            program, tensors = folded.program, {**tensors, **folded.others, **folded.scaled_weights(tensors)}
            numbers = scaled(numbers, folded.factors)
        packed = [
            self.layer(name, tensors[f"{name}.weight"], kind, formats, codes_values, numbers.get(name))
            for name in self.layers
        ]
        names = _other_names(program, {layer.name: layer.shape for layer in packed}, tensors)
        others = np.concatenate([np.zeros(0, np.float32), *(_array(tensors[name]).reshape(-1) for name in names)])
        notes = dict(self.notes)
        if program is not None:
            notes["program"] = str(program)
        else:
            notes["others"] = " ".join(f"{name}:{'x'.join(map(str, tensors[name].shape))}" for name in names)
        return PackedNetwork(tuple(packed), _narrowed(others, program, is_lossless=kind.is_lossless), notes)

    def layer(
        self,
        name: str,
        weight: Tensor,
        kind: ValueType,
        formats: Iterable[Format] = tuple(FORMATS.values()),
        codes_values: bool = True,
        numbers: NDArray[np.float32] | None = None,
    ) -> PackedLayer:
        """The layer `name` with the weights `weight`, in the cheapest of `formats`; as in `pack_layer`."""
        if name in self.few_bits:
            levels = Levels.of(weight.cpu(), self.few_bits[name])
            kind, weight = value_type(f"levels{self.few_bits[name]}"), levels.values
            numbers = _array(levels.scale).reshape(1)
        array = _array(weight)
        return pack_layer(name, array, kind, formats=formats, codes_values=codes_values, numbers=numbers)


def packer_of(model: nn.Module, image_shape: Shape, notes: Mapping[str, str] | None = None) -> Packer:
    """The packer of networks like `model`, which take images [C, H, W] of `image_shape`.

    ConfigError for names of layers that a file cannot hold.
    """
    for name in model.state_dict():
        if " " in name or ";" in name:
            raise ConfigError(f"a packed file cannot hold the name {name!r}: it has a space or a semicolon")
    found = {"input": "x".join(map(str, image_shape)), **(notes or {})}
    try:
        program = _traced(model, image_shape)
    except UntraceableError as error:
        log.warning("the file will hold the weights without the network's program: %s", error)
        return Packer(tuple(prunable_weights(model)), None, found, few_bits(model))
    return Packer(tuple(weight_names(program)), program, found, few_bits(model))


def _traced(model: nn.Module, image_shape: Shape) -> Program:
    program = trace(deployed(model), image_shape)
    others = sorted(set(weight_names(program)) - set(prunable_weights(model)))
    if others:
        raise UntraceableError(f"{others[0]} is no prunable layer")
    return program


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().cpu().contiguous().numpy()
    return array


def _other_names(program: Program | None, shapes: Mapping[str, Shape], tensors: Mapping[str, Tensor]) -> list[str]:
    if program is not None:
        return list(other_sizes(program, shapes))
    kept = {f"{name}.weight" for name in shapes}
    return [name for name, tensor in tensors.items() if name not in kept and tensor.is_floating_point()]


def _narrowed(others: NDArray[np.float32], program: Program | None, *, is_lossless: bool) -> NDArray[np.floating]:
    """As float16 where nothing asks for more: variances reach below its range."""
    has_norm = program is None or any(step.operation == "batch_norm" for step in program.steps)
    if is_lossless or has_norm or float(np.abs(others).max(initial=0.0)) > LARGEST_FLOAT16:
        return others.astype("<f4")
    return others.astype("<f2")


@dataclass(frozen=True)
class Unpacked:
    """The tensors of a packed network by name, and its program and input if the file holds them."""

    values: dict[str, Tensor]
    program: Program | None
    image_shape: Shape | None


def unpack(network: PackedNetwork) -> Unpacked:
    """All values of `network`, dense. Raises DataError when program, layers and sizes do not fit together."""
    try:
        outline = outline_of(network)
        dense = {f"{layer.name}.weight": torch.from_numpy(unpack_layer(layer).dense()) for layer in network.layers}
        return Unpacked({**dense, **outline.others}, outline.program, outline.image_shape)
    except ValueError as error:
        raise DataError(f"the packed network is damaged: {error}") from error


def trainable(network: PackedNetwork, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of the layers of few bits, weights that they quantise to those in `values`: levels themselves would move."""
    found = bits_in(network)
    return {f"{name}.weight": before_quantising(values[f"{name}.weight"], bits) for name, bits in found.items()}


def bits_in(network: PackedNetwork) -> dict[str, int]:
    """The bits of a value in the layers of a file that hold levels, by name."""
    return {layer.name: int(layer.value[-1]) for layer in network.layers if layer.value.startswith("levels")}


@dataclass(frozen=True)
class Outline:
    """What is known of a packed network before its layers are decoded."""

    program: Program | None
    image_shape: Shape | None
    others: dict[str, Tensor]
    result_shapes: list[Shape]


def outline_of(network: PackedNetwork) -> Outline:
    """Program, input and dense values; ValueError when they do not fit each other and the layers.

    Nothing is decoded and nothing is allocated that the file does not hold.
    """
    shapes = {layer.name: layer.shape for layer in network.layers}
    image_shape = _shape(network.notes["input"]) if "input" in network.notes else None
    text = network.notes.get("program")
    if text is None:
        return Outline(None, image_shape, _cut(network, _named_shapes(network.notes.get("others", ""))), [])
    program = parse_program(text)
    if image_shape is None:
        raise ValueError("it does not say what images it takes")
    others = _cut(network, {name: (size,) for name, size in other_sizes(program, shapes).items()})
    return Outline(program, image_shape, others, check_program(program, shapes, image_shape))


def _cut(network: PackedNetwork, shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    needed = sum(prod(shape) for shape in shapes.values())
    if needed != len(network.others):
        raise ValueError(f"its dense values are {len(network.others)}, not {needed}")
    values = torch.from_numpy(network.others.astype(np.float32))
    parts = values.split([prod(shape) for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _named_shapes(text: str) -> dict[str, Shape]:
    pairs = [word.rpartition(":") for word in text.split(" ")] if text else []
    return {name: _shape(sides) for name, _, sides in pairs}


def _shape(text: str) -> Shape:
    sides = text.split("x") if text else []
    if not all(side.isdecimal() and len(side) <= 7 for side in sides) or len(sides) > 6:
        raise ValueError(f"{text[:40]!r} is no shape")
    return tuple(int(side) for side in sides)
