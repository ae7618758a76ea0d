"""How many candidates each round of a search has, from the sizes of the layers alone.

The rules are those of `sparsecnn.search`; nothing is trained. In place of accuracies stands an assumption: the
candidate of the densest layer wins, or any.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet50

from sparsecnn.budgets import Budgets
from sparsecnn.models import ResNet, cifar10_quick, lenet, other_values, prunable_weights
from sparsecnn.search import Candidate, Greedy, Stopping, Tightening, Trial, least_loss

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "lenet": lenet,
    "cifar10_quick": cifar10_quick,
    "resnet20": lambda: ResNet(20),
    "resnet50": resnet50,
}
FLOAT_BITS = 32
WIDTHS = (8, 16, 32, 64)
GAP_BITS = range(3, 11)
BISECTIONS = 40


@dataclass(frozen=True)
class Layers:
    """Weights and outputs of a network's prunable layers, in network order; the bytes of all that stays dense."""

    weights: Mapping[str, int]
    outputs: Mapping[str, int]
    other_bytes: int

    def memory_bytes(self, budgets: Budgets) -> int:
        """The memory of the network when every budget is used up."""
        return self.other_bytes + sum(self.layer_bytes(name, budget) for name, budget in budgets.items())

    def layer_bytes(self, name: str, budget: int) -> int:
        """The memory of one layer, as `layer_bytes`."""
        return layer_bytes(self.weights[name], budget, self.outputs[name])


def layers_of(network: str) -> Layers:
    """The layers of one of NETWORKS; its weights are never allocated."""
    with torch.device("meta"):
        model = NETWORKS[network]()
    found = prunable_weights(model)
    sizes = {name: weight.numel() for name, weight in found.items()}
    return Layers(sizes, {name: weight.shape[0] for name, weight in found.items()}, 4 * other_values(model))


def layer_bytes(weights: int, nonzeros: int, outputs: int) -> int:
    """Bytes of a layer of which any `nonzeros` of `weights` stay, in the cheapest format of docs/memory.md.

    Fillers of relative indices are those that gaps of a geometric distribution take on average.
    """
    dense = FLOAT_BITS * weights
    bitmask = 8 * math.ceil(weights / 8) + FLOAT_BITS * nonzeros
    column, row_end = _width(weights // outputs - 1), _width(nonzeros)
    csr = (FLOAT_BITS + column) * nonzeros + row_end * (outputs + 1)
    sizes: list[float] = [dense, bitmask, csr]
    for bits in GAP_BITS:
        beyond = (1 - nonzeros / weights) ** 2**bits  # the chance that a gap is longer than `bits` bits can say
        sizes.append((FLOAT_BITS + bits) * nonzeros / (1 - beyond) if beyond < 1 else math.inf)
    return math.ceil(min(sizes) / 8)


def candidates_by_round(
    layers: Layers, tighten: Tightening, *, target: float, start: float = 1.0, rng: np.random.Generator | None = None
) -> Sequence[int]:
    """How many candidates each round trains until memory is the share `target` of dense.

    The search begins at one density for all layers at which memory is the share `start`. With `rng` any candidate may
    win, else that of the densest layer does.
    """
    dense_bytes = layers.memory_bytes(layers.weights)
    budgets = layers.weights if start == 1.0 else _uniform(layers, start * dense_bytes)
    first = _trial(layers, Candidate(0, 0, "base", None, budgets, None), rng)
    rules = Greedy(tighten, least_loss, Stopping(target * dense_bytes))
    rounds = rules.run(
        first,
        lambda candidates: [_trial(layers, candidate, rng) for candidate in candidates],
        lambda trial, layer, budget: layers.layer_bytes(layer, budget),
    )
    return [len(closed.trials) for closed in rounds if closed.number > 0 and closed.trials]


def _trial(layers: Layers, candidate: Candidate, rng: np.random.Generator | None) -> Trial:
    """The trial of a candidate, whose loss is random, or lower the denser its layer still is."""
    name = candidate.layer
    loss = 0.0 if name is None else -candidate.budgets[name] / layers.weights[name]
    loss = loss if rng is None else rng.random()
    memory = layers.memory_bytes(candidate.budgets)
    return Trial(candidate, str(candidate.number), False, memory, 0.0, loss, candidate.budgets)


def _uniform(layers: Layers, memory_bytes: float) -> Budgets:
    """The largest budgets of equal density that fit, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        fits = layers.memory_bytes(_at_density(layers, middle)) <= memory_bytes
        low, high = (middle, high) if fits else (low, middle)
    return _at_density(layers, low)


def _at_density(layers: Layers, density: float) -> Budgets:
    return {name: max(1, math.floor(density * size)) for name, size in layers.weights.items()}


def _width(largest: int) -> int:
    return next(bits for bits in WIDTHS if largest < 2**bits)
