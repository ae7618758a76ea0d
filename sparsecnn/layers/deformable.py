"""Deformable convolutions, version 1 and 2, tap by tap: the column buffer of all taps never exists.

Source: Dai et al. 2017 (arXiv 1703.06211), Zhu et al. 2018 (arXiv 1811.11168) for the operator; Hanson et al. 2023,
"DefT", for the aim to fuse the sampling with the product. The way to do so in PyTorch is this project's choice.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import ops

from sparsecnn.errors import ConfigError
from sparsecnn.layers.recompute import forgotten

# In rounding errors of a place in the grid.
NUDGE = 4
Through = Literal["taps", "torchvision"]


@dataclass(frozen=True)
class Window:
    """How a kernel passes over an image, the same way down and across."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def places(self, tap: int, count: int, like: Tensor) -> Tensor:
        """The `count` coordinates that row or column `tap` of the kernel falls on, [count], before it is deformed."""
        first = tap * self.dilation - self.padding
        return first + self.stride * torch.arange(count, dtype=like.dtype, device=like.device)

    def count(self, side: int, taps: int) -> int:
        """On how many places along a `side` of an image a kernel of so many taps comes to lie."""
        return (side + 2 * self.padding - self.dilation * (taps - 1) - 1) // self.stride + 1


def deform_conv2d(
    images: Tensor, offset: Tensor, weight: Tensor, bias: Tensor | None, window: Window, mask: Tensor | None = None
) -> Tensor:
    """[N, C, H, W] convolved with weight [O, C / groups, k, l] whose taps move: [N, O, H', W'].

    `offset` is [N, 2 G k l, H', W'] in pixels, (dy, dx) for each tap in rows, for each of G groups of channels in their
    order; `mask` [N, G k l, H', W'] multiplies what a tap reads. Between pixels the image is interpolated bilinearly,
    outside it is zero. One tap's samples, N C H' W' values, are in memory at a time, in the backward pass too, where
    they are computed again. ValueError for shapes that do not belong together.
    """
    rows, columns = weight.shape[-2:]
    _check_shapes(images, offset, weight, window, mask)
    # Half precision has no room for a fraction of a pixel beside the pixel.
    exact = offset.to(torch.promote_types(offset.dtype, torch.float32))
    moved = exact.unflatten(1, (-1, rows * columns, 2))
    amounts = None if mask is None else mask.unflatten(1, (-1, rows * columns))
    result = images.new_zeros(len(images), len(weight), *offset.shape[-2:])
    for tap in range(rows * columns):
        row, column = divmod(tap, columns)
        amount = None if amounts is None else amounts[:, :, tap]
        result = result + forgotten(
            _tap, images, moved[:, :, tap], weight[:, :, row, column], window, row, column, amount
        )
    return result if bias is None else result + bias[:, None, None]


def _check_shapes(images: Tensor, offset: Tensor, weight: Tensor, window: Window, mask: Tensor | None) -> None:
    (outputs, each, rows, columns), channels = weight.shape, images.shape[1]
    if channels % each or outputs % (channels // each):
        raise ValueError(f"a kernel {tuple(weight.shape)} does not fit {channels} channels")
    groups, rest = divmod(offset.shape[1], 2 * rows * columns)
    if rest or not groups or channels % groups:
        raise ValueError(
            f"the offset of a {rows} x {columns} kernel has {2 * rows * columns} channels for each group of the "
            f"{channels} that it moves, not {offset.shape[1]}"
        )
    if mask is not None and mask.shape[1] != groups * rows * columns:
        raise ValueError(f"the mask has {groups * rows * columns} channels, half of the offset's, not {mask.shape[1]}")
    places = window.count(images.shape[-2], rows), window.count(images.shape[-1], columns)
    if any(each is not None and (len(each), *each.shape[2:]) != (len(images), *places) for each in (offset, mask)):
        raise ValueError(
            f"offset and mask are of {len(images)} images and the {places[0]} x {places[1]} places of the kernel"
        )


def _tap(
    images: Tensor, offset: Tensor, weight: Tensor, window: Window, row: int, column: int, amount: Tensor | None
) -> Tensor:
    """What the tap at (row, column) of the kernel, weight [O, C / groups], adds: [N, O, H', W'].

    `offset` is [N, G, 2, H', W'], `amount` [N, G, H', W'].
    """
    channels, (height, width), (rows, columns) = images.shape[1], images.shape[-2:], offset.shape[-2:]
    apart = images.unflatten(1, (offset.shape[1], -1)).flatten(0, 1)
    y, x = offset.flatten(0, 1).unbind(1)
    y = y + window.places(row, rows, offset)[:, None]
    x = x + window.places(column, columns, offset)
    grid = torch.stack([_in_grid(x, width), _in_grid(y, height)], dim=-1)
    read = functional.grid_sample(
        apart.to(grid.dtype), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    ).to(images.dtype)
    if amount is not None:
        read = read * amount.flatten(0, 1)[:, None]
    together = read.unflatten(0, (len(images), offset.shape[1])).flatten(1, 2)
    return functional.conv2d(together, weight[:, :, None, None], groups=channels // weight.shape[1])


def _in_grid(places: Tensor, side: int) -> Tensor:
    """Pixels as places in [-1, 1], a rounding error further on.

    Interpolation has a kink at each pixel, where training begins. There the gradient is that of the cell behind, as in
    torchvision, and not that of whichever the way to the grid and back is rounded into.
    """
    return (2 * places + 1 + NUDGE * side * torch.finfo(places.dtype).eps) / side - 1


class DeformableConv2d(nn.Module):
    """A convolution that learns where to look: offsets, and in version 2 amounts, come from a convolution beside it.

    That convolution starts at zero: the layer then is an ordinary convolution, in version 2 times a half. It has
    2 G k l (k l C + 1) weights and biases, in version 2 3 G k l (k l C + 1), for G = `offset_groups` groups of channels
    that look elsewhere and `kernel_size` k = l, or (k, l). The layer computes tap by tap, or `through` the operator of
    torchvision, which builds the column buffer and cannot be stacked in a cohort. Raises ConfigError for another
    version, another way, groups that channels cannot be put into, and a kernel, stride, padding or dilation that no
    convolution has.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel_size: int | tuple[int, int] = 3,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        offset_groups: int = 1,
        bias: bool = True,
        version: int = 2,
        through: Through = "taps",
    ) -> None:
        super().__init__()
        if version not in (1, 2):
            raise ConfigError(f"a deformable convolution is of version 1 or 2, got {version}")
        if through not in ("taps", "torchvision"):
            raise ConfigError(f"a deformable convolution goes through taps or torchvision, got {through}")
        self.through = through
        if groups < 1 or in_channels % groups or channels % groups:
            raise ConfigError(f"groups must divide the {in_channels} and {channels} channels, got {groups}")
        if offset_groups < 1 or in_channels % offset_groups:
            raise ConfigError(f"offset_groups must divide the {in_channels} channels, got {offset_groups}")
        sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(sides) != 2 or min(*sides, stride, dilation, padding + 1) < 1:
            raise ConfigError(
                f"a kernel of {kernel_size} at stride {stride}, padding {padding}, dilation {dilation} fits nowhere"
            )
        self.version, self.window = version, Window(stride, padding, dilation)
        plain = nn.Conv2d(in_channels, channels, sides, groups=groups, bias=bias)
        self.weight, self.bias = plain.weight, plain.bias
        self.taps = offset_groups * math.prod(sides)
        self.where = nn.Conv2d(
            in_channels, (1 + version) * self.taps, sides, stride=stride, padding=padding, dilation=dilation
        )
        for parameter in self.where.parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to [N, O, H', W'] as in nn.Conv2d."""
        where = self.where(images)
        offset, amount = where[:, : 2 * self.taps], None
        if self.version == 2:
            amount = torch.sigmoid(where[:, 2 * self.taps :])
        if self.through == "torchvision":
            return self._by_torchvision(images, offset, amount)
        return deform_conv2d(images, offset, self.weight, self.bias, self.window, amount)

    def _by_torchvision(self, images: Tensor, offset: Tensor, amount: Tensor | None) -> Tensor:
        # It has no half precision on every device.
        wide = torch.promote_types(images.dtype, torch.float32)
        # What is no number would have it read outside of its memory.
        is_place = offset.isfinite()
        given = (images, offset.where(is_place, 0), self.weight, self.bias, amount)
        *operands, mask = (None if each is None else each.to(wide) for each in given)
        result: Tensor = ops.deform_conv2d(*operands, **vars(self.window), mask=mask)
        return result.masked_fill(~is_place.all(dim=1, keepdim=True), torch.nan).to(images.dtype)
