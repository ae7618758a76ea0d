"""Layers that compute on the support of their weights for a while.

In between, the images of a place lie side by side (their order in memory is [C, H, W, N]), so that a weight is one
multiplication of vectors of images. Elementwise layers keep that order; pooling and batch normalisation would undo it,
so they are taken over as well, without kernels of their own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.layers.support.convolution import Convolve, FixedSupport
from sparsecnn.layers.support.structures import GROUP, kernels

Forward = Callable[[Tensor], Tensor]

# The greatest densities at which the kernels are surely faster than torch. Of single layers, convolutions of kernels
# 3 and 5 wide were equally fast at 0.7 to 0.8, linear ones at 0.5.
DENSEST_CONVOLUTION, DENSEST_LINEAR = 0.6, 0.35
# These and not their subclasses, which may compute anything.
KINDS = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, nn.BatchNorm2d)


@contextmanager
def on_support(model: nn.Module, masks: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside, the layers named in `masks` compute with their kept weights alone, and so do their gradients.

    `masks` has a tensor of the weight's shape for each layer, nonzero where the weight is kept; elsewhere the weight
    must be zero and stay so. There its gradient is zero. Values may change in between, masks may not. On one thread,
    and only what is faster that way: Conv2d without groups and Linear, float32 on the CPU, up to a density of
    DENSEST_CONVOLUTION and DENSEST_LINEAR, where there is a C compiler. All else is computed by torch as ever, its
    gradient dense. ConfigError for a mask without a weight of its shape. Source: this project's choice.
    """
    kept = _by_weight(model, masks)
    with ExitStack() as stack:
        for module in model.modules() if kernels() else ():
            forward = _forward(module, kept.get(id(getattr(module, "weight", None))))
            if forward is not None:
                stack.callback(_set_forward, module, module.__dict__.get("forward"))
                _set_forward(module, forward)
        yield


def _by_weight(model: nn.Module, masks: Mapping[str, Tensor]) -> dict[int, Tensor]:
    """The masks by the identity of their weight, which several modules may share."""
    modules = dict(model.named_modules())
    kept = {}
    for name, mask in masks.items():
        weight = getattr(modules.get(name), "weight", None)
        if not isinstance(weight, Tensor) or weight.shape != mask.shape:
            raise ConfigError(f"the mask of {name} needs a layer of that name, with a weight of shape {[*mask.shape]}")
        kept[id(weight)] = mask != 0
    return kept


def _set_forward(module: nn.Module, forward: Forward | None) -> None:
    """On this module alone; None gives back its class's."""
    if forward is None:
        del module.__dict__["forward"]
    else:
        module.__dict__["forward"] = forward


def _forward(module: nn.Module, kept: Tensor | None) -> Forward | None:
    """What to compute instead, or None to leave it as it is."""
    if type(module) not in KINDS:
        return None
    dense: Forward = module.forward
    if isinstance(module, nn.BatchNorm2d):
        return partial(_normalised, dense)
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return None if getattr(module, "return_indices", False) else partial(_pooled, dense)
    if kept is None:
        return None
    density = float(kept.count_nonzero()) / max(kept.numel(), 1)
    if isinstance(module, nn.Linear) and density <= DENSEST_LINEAR:
        support = FixedSupport(kept[:, :, None, None], stride=(1, 1), padding=(0, 0), dilation=(1, 1))
        return partial(_linear, module, dense, support)
    if isinstance(module, nn.Conv2d) and density <= DENSEST_CONVOLUTION and _is_plain(module):
        numbers: Any = {"stride": module.stride, "padding": module.padding, "dilation": module.dilation}
        return partial(_convolved, module, dense, FixedSupport(kept, **numbers))
    return None


def _is_plain(layer: nn.Conv2d) -> bool:
    return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _can_take(images: Tensor, weight: Tensor, support: FixedSupport) -> bool:
    """Whether the kernels can compute this; what is wrong with it, torch says."""
    tensors = (images, weight)
    is_float = all(tensor.is_cpu and tensor.dtype is torch.float32 for tensor in tensors)
    if not is_float or torch.is_autocast_enabled("cpu") or images.dim() != 4 or not images.numel():
        return False
    is_dense = weight.is_contiguous() or weight.is_contiguous(memory_format=torch.channels_last)
    return is_dense and images.shape[1] == weight.shape[1] and all(axis.results > 0 for axis in support.axes(images))


def _convolved(layer: nn.Conv2d, dense: Forward, support: FixedSupport, images: Tensor) -> Tensor:
    if not _can_take(images, layer.weight, support):
        return dense(images)
    output: Tensor = Convolve.apply(images, layer.weight, layer.bias, support)
    return output


def _linear(layer: nn.Linear, dense: Forward, support: FixedSupport, features: Tensor) -> Tensor:
    """A convolution with one place in its kernel: of GROUP images [in, 1, N / GROUP], a group of the batch a column."""
    if features.dim() != 2 or not features.numel():
        return dense(features)
    count, rest = len(features), -len(features) % GROUP
    whole = nn.functional.pad(features, (0, 0, 0, rest)) if rest else features
    images = whole.unflatten(0, (-1, GROUP)).permute(1, 2, 0).unsqueeze(2)
    weight = layer.weight[:, :, None, None]
    if not _can_take(images, weight, support):
        return dense(features)
    output: Tensor = Convolve.apply(images, weight, layer.bias, support)
    return output.squeeze(2).permute(2, 0, 1).flatten(0, 1)[:count]


def _is_batch_last(images: Tensor) -> bool:
    return images.dim() == 4 and images.permute(1, 2, 3, 0).is_contiguous()


def _pooled(dense: Forward, images: Tensor) -> Tensor:
    """With channels and images exchanged, torch finds the channels of a place side by side, where it is fast."""
    if not _is_batch_last(images):
        return dense(images)
    return dense(images.transpose(0, 1)).transpose(0, 1)


def _normalised(dense: Forward, images: Tensor) -> Tensor:
    """As one image [1, C, H, W * N], which has the same means and variances."""
    if not _is_batch_last(images):
        return dense(images)
    together = images.permute(1, 2, 3, 0).flatten(2)[None]
    normalised: Tensor = dense(together)[0].unflatten(2, (images.shape[3], len(images)))
    return normalised.permute(3, 0, 1, 2)
