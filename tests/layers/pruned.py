"""Pruned layers, and images in every order that they can have in memory."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": Tensor.contiguous,
    "channels last": lambda images: images.contiguous(memory_format=torch.channels_last),
    "batch last": lambda images: images.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
    "a part of more": lambda images: nn.functional.pad(images, (1, 2, 0, 1))[:, :, :-1, 1:-2],
}


def prune_(layer: nn.Module, density: float) -> Tensor:
    """Leaves so much of the weight, nothing of the first filter; the mask of what is left."""
    assert isinstance(layer.weight, Tensor)
    mask = (torch.rand(layer.weight.shape) < density).float()
    mask[0] = 0
    with torch.no_grad():
        layer.weight.mul_(mask)
    return mask


def is_batch_last(images: Tensor) -> bool:
    return images.permute(1, 2, 3, 0).is_contiguous()
