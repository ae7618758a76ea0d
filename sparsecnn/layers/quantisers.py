"""Values of few bits in training: rounded in the forward pass, passed by in the backward pass.

Source: Zhou et al. 2016, "DoReFa-Net" (arXiv 1606.06160), equations 5, 7, 9 and 11. That a weight of exactly zero stays
zero, whatever the levels are, is this project's choice: it is what makes such layers prunable.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


def steps_of(bits: int) -> int:
    """2^bits - 1: the distance between the least and the greatest level."""
    return (1 << bits) - 1


def quantise_unit(values: Tensor, bits: int) -> Tensor:
    """The nearest of the 2^bits levels 0, 1 / s, ..., 1 for values in [0, 1]; gradients pass as they are."""
    steps = steps_of(bits)
    rounded = torch.round(values * steps) / steps
    return values + (rounded - values).detach()


def quantise_activations(values: Tensor, bits: int) -> Tensor:
    """Values clipped to [0, 1], on 2^bits levels; no gradient where they were clipped."""
    return quantise_unit(values.clamp(0.0, 1.0), bits)


def quantise_weight(weight: Tensor, bits: int) -> Tensor:
    """A weight on 2^bits levels, evenly spaced in [-1, 1]; with one bit, its sign times its mean magnitude.

    Weights of exactly zero stay zero, without a gradient; the mean is over the others, and no gradient goes through it.
    """
    kept = (weight != 0).to(weight.dtype)
    if bits == 1:
        signs = weight + (torch.where(weight < 0, -1.0, 1.0) - weight).detach()
        return signs * mean_magnitude(weight) * kept
    return (2 * quantise_unit(_unit(weight), bits) - 1) * kept


def mean_magnitude(weight: Tensor) -> Tensor:
    """Over the weights that are not zero; 0 where all are."""
    return weight.detach().abs().sum() / weight.detach().count_nonzero().clamp(min=1)


def _unit(weight: Tensor) -> Tensor:
    bent = torch.tanh(weight)
    return bent / (2 * bent.detach().abs().max().clamp(min=torch.finfo(weight.dtype).tiny)) + 0.5


@dataclass(frozen=True)
class Levels:
    """A quantised weight in whole numbers: scale * (2 number / steps - 1) where `kept`, zero elsewhere.

    `numbers` is int64 in [0, steps], `kept` boolean, both of the weight's shape.
    """

    numbers: Tensor
    kept: Tensor
    steps: int
    scale: float

    @classmethod
    def of(cls, weight: Tensor, bits: int) -> "Levels":
        """Those of `quantise_weight(weight, bits)`."""
        weight = weight.detach()
        if bits == 1:
            return cls((weight >= 0).long(), weight != 0, 1, float(mean_magnitude(weight)))
        steps = steps_of(bits)
        return cls(torch.round(_unit(weight) * steps).long(), weight != 0, steps, 1.0)

    @property
    def values(self) -> Tensor:
        """The weight, float64."""
        return self.scale * (2 * self.numbers.double() / self.steps - 1) * self.kept
