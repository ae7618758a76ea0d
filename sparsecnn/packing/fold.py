"""Batch normalisation folded into the layer before it, which computes the same but for rounding."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sparsecnn.programs import Program, Step

Values = dict[str, Tensor]
# Operations on one map whose result has as many sides.
KEEP_SIDES = {"linear", "batch_norm", "relu", "clamp", "leaky_relu", "sigmoid", "tanh", "silu", "gelu", "hardswish"}


@dataclass(frozen=True)
class Folded:
    """A program without foldable normalisations, its dense values, and factors for the rows of weights by layer."""

    program: Program
    others: Values
    factors: Mapping[str, Tensor]

    def scaled_weights(self, values: Mapping[str, Tensor]) -> Values:
        """The dense weights among `values` whose rows a folded normalisation multiplies, multiplied."""
        names = {f"{layer}.weight": factor for layer, factor in self.factors.items()}
        return {name: values[name] * factor.view(-1, *[1] * (values[name].dim() - 1)) for name, factor in names.items()}


def fold_batch_norm(program: Program, others: Mapping[str, Tensor], but_after: frozenset[str] = frozenset()) -> Folded:
    """The program without the normalisations that follow a convolution, or a linear layer of features, directly.

    Those that follow a layer of `but_after`, whose rows cannot be multiplied, stay.
    `others` are its dense values (biases, normalisation); weights are not touched, the caller multiplies their rows by
    `factors`. A layer that is used twice, or whose result something else reads too, keeps its normalisation.
    """
    folded, values, factors = program, dict(others), {}
    number = 1
    while number <= len(folded.steps):
        if _can_fold(folded, number, but_after):
            layer, norm = folded.steps[number - 2], folded.steps[number - 1]
            factors[str(layer.layer)] = _fold_(values, layer, norm)
            folded = _without(folded, number)
        else:
            number += 1
    return Folded(folded, values, factors)


def _can_fold(program: Program, number: int, but_after: frozenset[str]) -> bool:
    step = program.steps[number - 1]
    if step.operation != "batch_norm" or step.inputs != (number - 1,) or number < 2:
        return False
    before = program.steps[number - 2]
    if before.layer in but_after:
        return False
    layers = Counter(step.layer for step in program.steps)
    readers = sum(step.inputs.count(number - 1) for step in program.steps)
    # The rows of a transposed convolution are its inputs.
    has_channels = (before.operation == "conv" and "t" not in before.options) or (
        before.operation == "linear" and _is_flat(program, number - 1)
    )
    return has_channels and readers == 1 and layers[before.layer] == layers[step.layer] == 1


def _is_flat(program: Program, number: int) -> bool:
    """Whether result `number` surely is [N, K]: else the outputs of a linear layer are no channels."""
    while number:
        step = program.steps[number - 1]
        if step.operation == "flatten" or (step.operation == "mean" and "k" not in step.options):
            return True
        if step.operation not in KEEP_SIDES:
            return False
        (number,) = step.inputs
    return False


def _fold_(values: Values, layer: Step, norm: Step) -> Tensor:
    mean, variance = (values.pop(f"{norm.layer}.running_{name}").double() for name in ("mean", "var"))
    scale, shift = torch.ones_like(mean), torch.zeros_like(mean)
    if "x" not in norm.options:
        scale, shift = (values.pop(f"{norm.layer}.{name}").double() for name in ("weight", "bias"))
    factor = scale / torch.sqrt(variance + norm.number("e", 1e-5))
    bias = values[f"{layer.layer}.bias"].double() if "b" in layer.options else torch.zeros_like(mean)
    values[f"{layer.layer}.bias"] = (shift + (bias - mean) * factor).float()
    return factor.float()


def _without(program: Program, number: int) -> Program:
    """The program without step `number`, whose readers read the step before it, which gets a bias."""
    steps = []
    for at, step in enumerate(program.steps, start=1):
        inputs = tuple(source - (source >= number) for source in step.inputs)
        if at == number - 1:
            step = replace(step, options={**step.options, "b": ()})
        if at != number:
            steps.append(replace(step, inputs=inputs))
    return Program(tuple(steps))
