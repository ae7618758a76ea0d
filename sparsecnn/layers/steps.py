"""Steps of residual networks, over whichever operator.

Source: Ruthotto & Haber 2018, "Deep Neural Networks Motivated by Partial Differential Equations" (arXiv 1804.04272) for
the symmetric step and the norm over channels; He et al. 2016 for the residual one; Liao & Poggio 2016 (arXiv
1604.03640) for norms of their own for each evaluation of an ODE block's field. The papers on compact operators leave
open which of the steps they use, so both are a choice here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.layers.ode import Keep, Method, ODEBlock, evaluations


def check_step_size(h: float) -> None:
    """ConfigError unless `h` is above 0 and finite."""
    if not 0 < h < math.inf:
        raise ConfigError(f"h must be above 0 and finite, got {h}")


class Operator(Protocol):
    """A linear operator on [N, C, H, W]."""

    def __call__(self, images: Tensor) -> Tensor: ...

    def adjoint(self, images: Tensor) -> Tensor: ...


class ChannelNorm2d(nn.Module):
    """z / sqrt(sum over channels of z^2 + 1e-4) in every pixel, then a scale and a shift a channel.

    Source: the authors' code of the parabolic networks, where it is called "tv".
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        length = torch.sqrt(images.square().sum(dim=1, keepdim=True) + 1e-4)
        result: Tensor = images / length * self.weight[:, None, None] + self.bias[:, None, None]
        return result


class SymmetricStep(nn.Module):
    """x - h K^T relu(norm(K x)): one operator, used twice.

    Without the norm the Jacobian is symmetric, and the step expands no distance as long as h ||K||^2 is at most 2.
    Raises ConfigError for an operator without a transpose, and for an `h` that is not above 0 and finite.
    """

    def __init__(self, operator: nn.Module, norm: nn.Module, h: float = 1.0) -> None:
        super().__init__()
        check_step_size(h)
        if not hasattr(operator, "adjoint"):
            raise ConfigError(f"symmetric steps take operators with a transpose, not {type(operator).__name__}")
        self.operator, self.norm, self.h = operator, norm, h

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        operator: Operator = self.operator  # type: ignore[assignment]
        result: Tensor = images - self.h * operator.adjoint(torch.relu(self.norm(operator(images))))
        return result


class ResidualStep(nn.Module):
    """x + h K2 relu(norm(K1 x)): two operators. Raises ConfigError for an `h` that is not above 0 and finite."""

    def __init__(self, first: nn.Module, norm: nn.Module, second: nn.Module, h: float = 1.0) -> None:
        super().__init__()
        check_step_size(h)
        self.first, self.norm, self.second, self.h = first, norm, second, h

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        result: Tensor = images + self.h * self.second(torch.relu(self.norm(self.first(images))))
        return result


class Branch(nn.Module):
    """relu(norm(K2 relu(norm(K1 x)))): the field of ANODE's blocks, which never falls below zero.

    Evaluation i of a block is normalised by number i of each list of norms, or by the one that there is.
    """

    def __init__(
        self,
        first: nn.Module,
        first_norms: Sequence[nn.Module],
        second: nn.Module,
        second_norms: Sequence[nn.Module],
    ) -> None:
        super().__init__()
        self.first, self.first_norms = first, nn.ModuleList(first_norms)
        self.second, self.second_norms = second, nn.ModuleList(second_norms)

    def forward(self, images: Tensor, evaluation: int = 0) -> Tensor:
        """[N, C, H, W] to the same shape."""
        number = evaluation % len(self.first_norms)
        inner = torch.relu(self.first_norms[number](self.first(images)))
        return torch.relu(self.second_norms[number](self.second(inner)))


# What gives the operator, the norm or the step of so many channels.
Make = Callable[[int], nn.Module]
Norms = Literal["each", "shared"]


@dataclass(frozen=True)
class Symmetric:
    """Makes symmetric steps over an operator with an adjoint."""

    operator: Make
    norm: Make = nn.BatchNorm2d
    h: float = 1.0

    def __call__(self, channels: int) -> SymmetricStep:
        """The step of so many channels."""
        return SymmetricStep(self.operator(channels), self.norm(channels), self.h)


@dataclass(frozen=True)
class Residual:
    """Makes residual steps over any operator."""

    operator: Make
    norm: Make = nn.BatchNorm2d
    h: float = 1.0

    def __call__(self, channels: int) -> ResidualStep:
        """The step of so many channels."""
        return ResidualStep(self.operator(channels), self.norm(channels), self.operator(channels), self.h)


@dataclass(frozen=True)
class Ode:
    """Makes ODE blocks, each in the place of a step, over the field of any operator.

    `norms`: "each" evaluation of the field has its own, as states differ from time to time and running statistics with
    them; or all evaluations have one, "shared" as in ANODE.
    """

    operator: Make
    norm: Make = nn.BatchNorm2d
    time_steps: int = 2
    method: Method = "euler"
    keep: Keep = "input"
    norms: Norms = "each"

    def __call__(self, channels: int) -> ODEBlock:
        """The block of so many channels. ConfigError for values that are none of those above."""
        if self.norms not in get_args(Norms):
            raise ConfigError(f"norms are each or shared, got {self.norms}")
        number = evaluations(self.method, self.time_steps) if self.norms == "each" else 1
        first, second = ([self.norm(channels) for _ in range(number)] for _ in range(2))
        field = Branch(self.operator(channels), first, self.operator(channels), second)
        return ODEBlock(field, self.time_steps, self.method, self.keep, timed=True)
