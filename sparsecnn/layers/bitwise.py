"""Convolutions of weights and activations of few bits.

Source: Zhou et al. 2016, "DoReFa-Net" (arXiv 1606.06160) for training; Angizi et al. 2018, "IMCE" for the inference.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsecnn.errors import ConfigError
from sparsecnn.layers.bit_planes import bitwise_conv2d, dequantised
from sparsecnn.layers.predefined import Supported
from sparsecnn.layers.quantisers import Levels, quantise_activations, quantise_weight, steps_of

MOST_BITS = 8
Arithmetic = Literal["floats", "bits"]


class BitwiseConv2d(Supported):
    """A convolution without bias of activations on 2^activation_bits levels with a weight on 2^weight_bits levels.

    Activations are clipped to [0, 1] first. Training goes through the rounding as if it were not there; weights of
    exactly zero stay zero, and so do those outside of `mask`. `through` "bits", evaluations are computed by AND and
    popcount, on the CPU and not in a cohort: the same up to the rounding of floats. Raises ConfigError for bits outside
    of 1 to 8 and for another way.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        mask: Tensor | None = None,
        weight_bits: int = 1,
        activation_bits: int = 2,
        through: Arithmetic = "floats",
    ) -> None:
        super().__init__()
        for name, bits in (("weight_bits", weight_bits), ("activation_bits", activation_bits)):
            if not 1 <= bits <= MOST_BITS:
                raise ConfigError(f"{name} must be in 1 to {MOST_BITS}, got {bits}")
        if through not in ("floats", "bits"):
            raise ConfigError(f"a bit-wise convolution goes through floats or bits, got {through}")
        self.through = through
        self.weight = nn.Conv2d(in_channels, channels, kernel_size, groups=groups, bias=False).weight
        self.set_support(mask)
        self.stride, self.padding, self.groups = stride, padding, groups
        self.weight_bits, self.activation_bits = weight_bits, activation_bits

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to [N, O, H', W'] as in nn.Conv2d."""
        if self._goes_through_bits(images):
            return self.bit_by_bit(images)
        activations = quantise_activations(images, self.activation_bits)
        weight = quantise_weight(self.weight, self.weight_bits)
        return functional.conv2d(activations, weight, stride=self.stride, padding=self.padding, groups=self.groups)

    def adjoint(self, images: Tensor) -> Tensor:
        """The transposed convolution of quantised activations with the same weight, for stride 1.

        [N, O, H', W'] to [N, C, H, W].
        """
        if self._goes_through_bits(images):
            return self.bit_by_bit(images, is_transposed=True)
        activations = quantise_activations(images, self.activation_bits)
        weight = quantise_weight(self.weight, self.weight_bits)
        return functional.conv_transpose2d(activations, weight, padding=self.padding, groups=self.groups)

    def _goes_through_bits(self, images: Tensor) -> bool:
        # On the meta device there are no bits: networks are counted there.
        return self.through == "bits" and not (self.training or torch.is_grad_enabled() or images.is_meta)

    def deployed(self) -> "QuantisedConv2d":
        """A layer that computes the same, with the quantised weight as its own."""
        return QuantisedConv2d(
            quantise_weight(self.weight.detach(), self.weight_bits),
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            activation_bits=self.activation_bits,
        )

    def bit_by_bit(self, images: Tensor, *, is_transposed: bool = False) -> Tensor:
        """`forward` or `adjoint` by AND and popcount, without rounding but at the end; on the CPU, without a gradient.

        Of an image with a value that is no number everything is none. RuntimeError inside of torch.vmap.
        """
        if torch._C._are_functorch_transforms_active():
            raise RuntimeError("through=bits computes one network after the other")
        activations = quantise_activations(images.detach().cpu(), self.activation_bits)
        numbers = torch.round(activations.float() * steps_of(self.activation_bits)).to(torch.uint8)
        levels = Levels.of(self.weight.cpu(), self.weight_bits)
        groups, padding = levels.chunk(self.groups), self.padding
        if is_transposed:
            groups, padding = [group.transposed() for group in groups], self.weight.shape[-1] - 1 - padding
        found = [
            bitwise_conv2d(part, self.activation_bits, own, self.weight_bits, stride=self.stride, padding=padding)
            for part, own in zip(numbers.chunk(self.groups, dim=1), groups, strict=True)
        ]
        results = [dequantised(*sums, levels, self.activation_bits).to(images) for sums in found]
        return torch.cat(results, dim=1).masked_fill_(images.isnan().any(dim=(1, 2, 3), keepdim=True), torch.nan)


class QuantisedConv2d(nn.Module):
    """A convolution of activations on 2^activation_bits levels with `weight` [O, C, k, k], which is on its levels."""

    def __init__(self, weight: Tensor, *, stride: int, padding: int, groups: int, activation_bits: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.stride, self.padding, self.groups, self.activation_bits = stride, padding, groups, activation_bits

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to [N, O, H', W'] as in nn.Conv2d."""
        activations = quantise_activations(images, self.activation_bits)
        return functional.conv2d(activations, self.weight, stride=self.stride, padding=self.padding, groups=self.groups)

    def adjoint(self, images: Tensor) -> Tensor:
        """The transposed convolution, as in `BitwiseConv2d`."""
        activations = quantise_activations(images, self.activation_bits)
        return functional.conv_transpose2d(activations, self.weight, padding=self.padding, groups=self.groups)
