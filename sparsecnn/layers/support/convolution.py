"""A convolution that computes on its support alone: forward, towards its input, towards its weights."""

from ctypes import byref
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sparsecnn.layers.support.axis import Axis
from sparsecnn.layers.support.sides import Convolution, Side, backward_side, by_output, forward_side
from sparsecnn.layers.support.structures import GROUP, kernels, maps
from sparsecnn.layers.support.tables import entries

Pair = tuple[int, int]


class FixedSupport:
    """Which weights of a convolution are kept, and its strides, padding and dilation, rows first."""

    def __init__(self, mask: Tensor, *, stride: Pair, padding: Pair, dilation: Pair) -> None:
        """`mask` [out, in, height, width] is true where a weight is kept."""
        self.mask = mask
        self.numbers = list(zip(stride, padding, dilation, strict=True))
        self.plan: Plan | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the plan, whose addresses mean nothing in a copy."""
        return {**vars(self), "plan": None}

    def axes(self, images: Tensor) -> tuple[Axis, Axis]:
        """Rows and columns of a convolution of [N, in, H, W]."""
        kernels, sizes = self.mask.shape[2:], images.shape[2:]
        rows, columns = (
            Axis(kernel, *numbers, size) for kernel, numbers, size in zip(kernels, self.numbers, sizes, strict=True)
        )
        return rows, columns

    def plan_for(self, images: Tensor, weight: Tensor) -> "Plan":
        """The one of the call before, if images and weight are laid out as they were there."""
        axes = self.axes(images)
        if self.plan is None or (self.plan.axes, self.plan.strides) != (axes, weight.stride()):
            self.plan = Plan(self.mask, axes, weight.stride())
        return self.plan


class Plan:
    """What the kernels work with, for one size of maps; one call at a time."""

    def __init__(self, mask: Tensor, axes: tuple[Axis, Axis], strides: tuple[int, ...]) -> None:
        self.axes, self.strides = axes, strides
        self.convolution = Convolution(entries(mask, strides), mask.shape[0], mask.shape[1], *axes)
        self.forward = forward_side(self.convolution)
        self.gradients = by_output(self.convolution, self.forward.frame, 1)
        self.kernels: Any = kernels()

    @cached_property
    def backward(self) -> Side:
        """The way back to the input, which a first layer never goes."""
        return backward_side(self.convolution)

    def output(self, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """[N, in, H, W] to [N, out, H', W']."""
        rows, columns = self.axes
        out = _batch_last(len(images), self.convolution.out, rows.results, columns.results)
        self._gather(self.forward, images, weight, bias, out)
        return out

    def input_gradient(self, gradient: Tensor, weight: Tensor) -> Tensor:
        """[N, out, H', W'] to [N, in, H, W]."""
        rows, columns = self.axes
        out = _batch_last(len(gradient), self.convolution.into, rows.size, columns.size)
        self._gather(self.backward, gradient, weight, None, out)
        return out

    def _gather(self, side: Side, images: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> None:
        for table in side.tables:
            table.read(weight)
        self.kernels.gather(
            byref(maps(images)),
            byref(side.frame),
            side.gathers,
            len(side.gathers),
            None if bias is None else bias.data_ptr(),
            byref(maps(out)),
            side.tile.data_ptr(),
            side.sums.data_ptr(),
        )

    def weight_gradients(self, images: Tensor, gradient: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Of the weight, zero off the support, and of the bias."""
        side, of_bias = self.forward, torch.empty(self.convolution.out)
        plane = torch.empty(gradient.shape[2] * gradient.shape[3] * GROUP)
        self.kernels.correlate(
            byref(maps(images)),
            byref(side.frame),
            byref(self.gradients.kept),
            side.gathers[0].row,
            side.gathers[0].column,
            byref(maps(gradient)),
            of_bias.data_ptr(),
            side.tile.data_ptr(),
            plane.data_ptr(),
        )
        return self.gradients.written(weight), of_bias


def _batch_last(images: int, channels: int, height: int, width: int) -> Tensor:
    """An empty [N, C, H, W] in which the images of a place are neighbours."""
    # NumPy asks the system for large pages, torch.empty does not: fresh memory then costs more than what is computed.
    fresh = torch.from_numpy(np.empty((channels, height, width, images), np.float32)).permute(3, 0, 1, 2)
    # No view: autograd would not let a view that a function returns be changed in place, as ReLU(inplace=True) does.
    return torch.empty(0).set_(fresh.untyped_storage(), 0, fresh.shape, fresh.stride())


class Convolve(torch.autograd.Function):
    """The convolution as autograd sees it."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, support: FixedSupport) -> Tensor:
        """[N, in, H, W] of any strides to [N, out, H', W'], the images of a place side by side."""
        ctx.save_for_backward(images, weight)
        ctx.plan = support.plan_for(images, weight)
        output: Tensor = ctx.plan.output(images, weight, None if bias is None else bias.contiguous())
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Of images, weight and bias, those that are asked for."""
        images, weight = ctx.saved_tensors
        to_images, to_weight, to_bias, _ = ctx.needs_input_grad
        of_images = ctx.plan.input_gradient(gradient, weight) if to_images else None
        of_weight = of_bias = None
        if to_weight or to_bias:
            of_weight, of_bias = ctx.plan.weight_gradients(images, gradient, weight)
        return of_images, of_weight if to_weight else None, of_bias if to_bias else None, None
