"""Values of few bits in training: rounded in the forward pass, passed by in the backward pass.

Source: Zhou et al. 2016, "DoReFa-Net" (arXiv 1606.06160), equations 5, 7, 9 and 11. This project's choices: a weight of
exactly zero stays zero, whatever the levels are, which makes such layers prunable; and the scale of one-bit weights has
the 11 bits that a packed file holds of it, so that a file computes what was trained.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Significant bits of a float32.
FLOAT32_BITS = 24


def steps_of(bits: int) -> int:
    """2^bits - 1: the distance between the least and the greatest level."""
    return (1 << bits) - 1


def quantise_unit(values: Tensor, bits: int) -> Tensor:
    """The nearest of the 2^bits levels 0, 1 / s, ..., 1 for values in [0, 1]; gradients pass as they are."""
    steps = steps_of(bits)
    return _passed(torch.round(values * steps) * (1 / steps), values)


def _passed(rounded: Tensor, values: Tensor) -> Tensor:
    """`rounded` to the bit, with the gradient of `values`."""
    return rounded.detach() + (values - values.detach())


def quantise_activations(values: Tensor, bits: int) -> Tensor:
    """Values clipped to [0, 1], on 2^bits levels; no gradient where they were clipped."""
    return quantise_unit(values.clamp(0.0, 1.0), bits)


def quantise_weight(weight: Tensor, bits: int) -> Tensor:
    """A weight on 2^bits levels, evenly spaced in [-1, 1]; with one bit, its sign times its mean magnitude.

    Weights of exactly zero stay zero, without a gradient; the mean is over the others, and no gradient goes through it.
    With one bit the gradient of the weight is that of its sign times the mean, as it is.
    """
    levels = Levels.of(weight, bits)
    return _passed(levels.values, weight if bits == 1 else 2 * _unit(weight)) * levels.kept


def mean_magnitude(weight: Tensor) -> Tensor:
    """Over the weights that are not zero, rounded to 11 bits; 0 where all are."""
    # In float64 where there is such a type, or the order of the sum, which is that of the memory, tells in the scale.
    exact = weight.detach().to(weight.dtype if weight.device.type == "mps" else torch.float64)
    mean = exact.abs().sum() / exact.count_nonzero().clamp(min=1)
    return _rounded(mean.float(), bits=11).to(weight.dtype)


def _rounded(number: Tensor, *, bits: int) -> Tensor:
    """A float32 rounded to `bits` significant bits. Source: Dekker 1971 (the splitting of a number in two)."""
    multiple: Tensor = number * (2 ** (FLOAT32_BITS - bits) + 1)
    return multiple - (multiple - number)


def _unit(weight: Tensor) -> Tensor:
    bent = torch.tanh(weight)
    unit: Tensor = bent / (2 * bent.detach().abs().max().clamp(min=torch.finfo(weight.dtype).tiny)) + 0.5
    return unit


def before_quantising(values: Tensor, bits: int) -> Tensor:
    """A weight of which `quantise_weight` makes `values`, which lie on its levels and reach the outermost of them."""
    return values if bits == 1 else torch.atanh(values / 2)


@dataclass(frozen=True)
class Levels:
    """A quantised weight in whole numbers: scale * (2 number - steps) / steps where `kept`, zero elsewhere.

    `numbers`, in [0, steps], and `kept` are of the weight's shape; `scale` is one number. All have the weight's type.
    """

    numbers: Tensor
    kept: Tensor
    steps: int
    scale: Tensor

    @classmethod
    def of(cls, weight: Tensor, bits: int) -> "Levels":
        """Those of `quantise_weight(weight, bits)`."""
        weight, steps = weight.detach(), steps_of(bits)
        kept = (weight != 0).to(weight.dtype)
        if bits == 1:
            return cls((weight >= 0).to(weight.dtype), kept, steps, mean_magnitude(weight))
        return cls(torch.round(_unit(weight) * steps), kept, steps, weight.new_ones(()))

    def chunk(self, groups: int) -> list["Levels"]:
        """Those of as many outputs each, in their order; the scale is that of all."""
        parts = zip(self.numbers.chunk(groups), self.kept.chunk(groups), strict=True)
        return [Levels(numbers, kept, self.steps, self.scale) for numbers, kept in parts]

    def transposed(self) -> "Levels":
        """Those of the weight [O, C, k, k] with which an ordinary convolution is the transposed one."""
        numbers, kept = (each.transpose(0, 1).flip(-2, -1) for each in (self.numbers, self.kept))
        return Levels(numbers, kept, self.steps, self.scale)

    @property
    def values(self) -> Tensor:
        """The weight."""
        return self.scale * ((2 * self.numbers - self.steps) / self.steps) * self.kept
