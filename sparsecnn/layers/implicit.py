"""The implicit half of a step: every pixel hears of every other.

Source: Haber, Lensink, Treister & Ruthotto 2019, "IMEXnet" (arXiv 1903.02639). That the stencils' means are taken off
where they are used, and the mirrored boundary, are this project's choice.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers.steps import check_step_size

Boundary = Literal["periodic", "reflecting"]


def implicit_solve(images: Tensor, stencils: Tensor, h: float, boundary: Boundary = "periodic") -> Tensor:
    """(I + h L^T L)^-1 images, L the convolution of each channel with its stencil: [N, C, H, W] to the same shape.

    `stencils` is [C, 3, 3], h > 0. Exact, by FFT; no channel hears of another. "periodic": what leaves on one side
    comes in on the other, and no norm grows. "reflecting": the periodic solution on the image and its mirror images,
    cropped, at four times the work. L is then not that of an image with a mirrored edge, and stencils that are not
    their own mirror image may let a norm grow or a mean move a little.
    """
    if boundary == "reflecting":
        height, width = images.shape[-2:]
        return implicit_solve(_mirrored(images), stencils, h)[..., :height, :width]
    sides = images.shape[-2:]
    kind = torch.promote_types(images.dtype, stencils.dtype)
    exact = torch.promote_types(kind, torch.float32)  # there is no Fourier transform of half precision
    spectrum = torch.fft.rfft2(_about_origin(stencils, sides).to(exact))
    solved: Tensor = torch.fft.irfft2(torch.fft.rfft2(images.to(exact)) / (1 + h * spectrum.abs().square()), s=sides)
    return solved.to(kind)


def _about_origin(stencils: Tensor, sides: tuple[int, ...]) -> Tensor:
    """[C, H, W] of zeros with the centre of each stencil at (0, 0), what lies before it at the far end."""
    height, width = sides
    placed = stencils.new_zeros(len(stencils), height, width)
    for row in range(3):
        for column in range(3):  # a narrow image is met more than once: the taps add up
            placed[:, (row - 1) % height, (column - 1) % width] += stencils[:, row, column]
    return placed


def _mirrored(images: Tensor) -> Tensor:
    wide = torch.cat([images, images.flip(-1)], dim=-1)
    return torch.cat([wide, wide.flip(-2)], dim=-2)


def without_mean(kernels: Tensor) -> Tensor:
    """[..., 3, 3], each less its mean: constants pass such a kernel as zero."""
    return kernels - kernels.mean(dim=(-2, -1), keepdim=True)


class ImexStep(nn.Module):
    """x to (I + h L^T L)^-1 norm(x + sign h K^T relu(norm(K x))): an explicit residual step, then an implicit one.

    K is a full 3x3 convolution, L one stencil a channel (`implicit` false leaves L out: the explicit baseline). Zero
    padding. `sign` is +1 as in the authors' code or -1 as in their parabolic networks. Both have kernels of mean zero,
    so that the mean of a channel passes a periodic implicit step as it is.
    """

    def __init__(
        self, channels: int, *, h: float = 1.0, boundary: Boundary = "periodic", implicit: bool = True, sign: int = 1
    ) -> None:
        super().__init__()
        check_step_size(h)
        if boundary not in ("periodic", "reflecting"):
            raise ConfigError(f"a boundary is periodic or reflecting, got {boundary}")
        if sign not in (-1, 1):
            raise ConfigError(f"sign must be 1 or -1, got {sign}")
        self.h, self.boundary, self.sign = h, boundary, sign
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.after = nn.BatchNorm2d(channels, affine=False)
        self.stencil = nn.Conv2d(channels, channels, 3, groups=channels, bias=False) if implicit else None

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        kernel = without_mean(self.conv.weight)
        inner = torch.relu(self.norm(functional.conv2d(images, kernel, padding=1)))
        moved: Tensor = self.after(images + self.sign * self.h * functional.conv_transpose2d(inner, kernel, padding=1))
        if self.stencil is None:
            return moved
        return implicit_solve(moved, without_mean(self.stencil.weight)[:, 0], self.h, self.boundary)
