"""Steps of residual networks, over whichever operator.

Source: Ruthotto & Haber 2018, "Deep Neural Networks Motivated by Partial Differential Equations" (arXiv 1804.04272) for
the symmetric step and the norm over channels; He et al. 2016 for the residual one. The papers on compact operators
leave open which of them they use, so both are a choice here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.layers.ode import Keep, Method, ODEBlock


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
            raise ConfigError(
                f"symmetric steps take operators with a transpose, full or lean, not {type(operator).__name__}"
            )
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
    """relu(norm(K2 relu(norm(K1 x)))): the field of ANODE's blocks, which never falls below zero."""

    def __init__(self, first: nn.Module, first_norm: nn.Module, second: nn.Module, second_norm: nn.Module) -> None:
        super().__init__()
        self.first, self.first_norm, self.second, self.second_norm = first, first_norm, second, second_norm

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        inner = torch.relu(self.first_norm(self.first(images)))
        return torch.relu(self.second_norm(self.second(inner)))


# What gives the operator, the norm or the step of so many channels.
Make = Callable[[int], nn.Module]


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
    """Makes ODE blocks, each in the place of a step, over the field of any operator."""

    operator: Make
    norm: Make = nn.BatchNorm2d
    time_steps: int = 2
    method: Method = "euler"
    keep: Keep = "input"

    def __call__(self, channels: int) -> ODEBlock:
        """The block of so many channels."""
        field = Branch(self.operator(channels), self.norm(channels), self.operator(channels), self.norm(channels))
        return ODEBlock(field, self.time_steps, self.method, self.keep)
