"""Ordinary convolutions that keep the shape, with their transpose."""

from torch import Tensor, nn
from torch.nn import functional


class FullConv2d(nn.Conv2d):
    """A 3x3 convolution on `channels` channels: zero padding, stride 1, no bias; 9 n^2 weights."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1, bias=False)

    def adjoint(self, images: Tensor) -> Tensor:
        """K^T x: [N, C, H, W] to the same shape, with the same weights."""
        return functional.conv_transpose2d(images, self.weight, padding=1)
