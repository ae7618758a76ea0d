"""Layers whose weights take fewer bits than a float: how many, and the network once they are quantised for good."""

from collections.abc import Iterator
from copy import deepcopy

from torch import nn

from sparsecnn.layers import BitwiseConv2d


def few_bits(model: nn.Module) -> dict[str, int]:
    """The bits of a weight of such layers, by name."""
    return {name: layer.weight_bits for name, layer in _layers(model)}


def deployed(model: nn.Module) -> nn.Module:
    """A copy of `model` that computes the same, such layers having the weights that they compute with."""
    copy = deepcopy(model)
    for name, layer in list(_layers(copy)):
        copy.set_submodule(name, layer.deployed())
    return copy


def _layers(model: nn.Module) -> Iterator[tuple[str, BitwiseConv2d]]:
    for name, module in model.named_modules():
        if isinstance(module, BitwiseConv2d):
            yield name, module
