"""What Caffe's networks share: fillers, pooling that rounds up, normalisation within a channel."""

import torch
from torch import Tensor, nn


def pooled(size: int, kernel: int = 3, stride: int = 2) -> int:
    """The side of a map after Caffe's pooling, which rounds up. Source: Caffe, pooling_layer.cpp."""
    return -(-(size - kernel) // stride) + 1


def gaussian_(layer: nn.Module, std: float, bias: float = 0.0) -> None:
    """Caffe's "gaussian" filler for the weights and "constant" for the biases."""
    weight, biases = _parameters(layer)
    nn.init.normal_(weight, std=std)
    nn.init.constant_(biases, bias)


def xavier_(layer: nn.Module) -> None:
    """Caffe's "xavier" filler: uniform with variance 1 / fan-in. Source: Caffe, filler.hpp."""
    weight, biases = _parameters(layer)
    limit = (3.0 / weight[0].numel()) ** 0.5
    nn.init.uniform_(weight, -limit, limit)
    nn.init.zeros_(biases)


def _parameters(layer: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert layer.bias is not None
    return layer.weight, layer.bias


class WithinChannelNorm(nn.Module):
    """Caffe's WITHIN_CHANNEL local response normalisation, `x / (1 + alpha * mean(x^2)) ^ beta` over a window.

    The window is `size` x `size` pixels of the same channel; zeros beyond the border count in the mean.
    Source: Caffe, lrn_layer.cpp.
    """

    def __init__(self, size: int = 3, alpha: float = 5e-5, beta: float = 0.75) -> None:
        super().__init__()
        self.size, self.alpha, self.beta = size, alpha, beta

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        squares = nn.functional.avg_pool2d(images.square(), self.size, stride=1, padding=self.size // 2)
        return images * torch.pow(1.0 + self.alpha * squares, -self.beta)
