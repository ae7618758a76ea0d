"""Layers whose weights take fewer bits than a float: how many, and the network once they are quantised for good."""

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from torch import nn

from sparsecnn.layers import BitwiseConv2d

FLOAT_BITS = 32


@dataclass(frozen=True)
class Bits:
    """Bits of a weight and of an activation; FLOAT_BITS are those of a layer that computes in float32."""

    weight: int = FLOAT_BITS
    activation: int = FLOAT_BITS

    @property
    def passes(self) -> int:
        """How often a bit-wise layer goes through its bits: once for each pair of bit planes."""
        return self.weight * self.activation

    @property
    def are_floats(self) -> bool:
        """Whether the layer computes in float32."""
        return FLOAT_BITS in (self.weight, self.activation)


def few_bits(model: nn.Module) -> dict[str, int]:
    """The bits of a weight of such layers, by name."""
    return {name: layer.weight_bits for name, layer in _layers(model)}


def layer_bits(model: nn.Module) -> dict[str, Bits]:
    """The bits with which such layers compute, by name."""
    return {name: Bits(layer.weight_bits, layer.activation_bits) for name, layer in _layers(model)}


def deployed(model: nn.Module) -> nn.Module:
    """A copy of `model` that computes the same, such layers having the weights that they compute with."""
    copy = deepcopy(model)
    for name, layer in list(_layers(copy)):
        if not name:
            return layer.deployed()
        copy.set_submodule(name, layer.deployed())
    return copy


def _layers(model: nn.Module) -> Iterator[tuple[str, BitwiseConv2d]]:
    """Those that do what their class does, and have one name: of others a file holds floats, as they are."""
    names = Counter(id(module) for _, module in model.named_modules(remove_duplicate=False))
    for name, module in model.named_modules():
        if type(module) is BitwiseConv2d and names[id(module)] == 1 and not _has_hooks(module):
            yield name, module


def _has_hooks(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)
