"""From stored bytes to a network's input."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparsecnn.data.types import Split
from sparsecnn.errors import ConfigError

# Source: torchvision's documentation of its pretrained networks, for pixels in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """`(pixels - offset) * scale`; both float32 and [C, 1, 1] or [C, H, W], in units of 0..255."""

    offset: Tensor
    scale: Tensor

    def to(self, device: torch.device) -> "Preprocessing":
        """The same on `device`."""
        return Preprocessing(self.offset.to(device), self.scale.to(device))

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 [N, C, H, W] to float32, channels last."""
        values = images.permute(0, 2, 3, 1).to(torch.float32, memory_format=torch.contiguous_format)
        # A whole image long, a loop over few channels is ten times as fast.
        values.flatten(1).sub_(self._image(self.offset, images)).mul_(self._image(self.scale, images))
        return values.permute(0, 3, 1, 2)

    def _image(self, numbers: Tensor, images: Tensor) -> Tensor:
        """`numbers` for every pixel, in the order in which an image lies in memory."""
        return numbers.expand(images.shape[1:]).permute(1, 2, 0).flatten()


def standardize(split: Split) -> Preprocessing:
    """Minus the mean of each channel, over its deviation, both of `split`; a constant channel is only moved."""
    mean, std = split.channel_stats()
    return Preprocessing(mean.view(-1, 1, 1), 1.0 / torch.where(std > 0, std, 1.0).view(-1, 1, 1))


def subtract_mean_image(split: Split) -> Preprocessing:
    """Minus the mean image of `split`, not scaled. Source: Caffe, examples/cifar10."""
    return Preprocessing(split.mean_image(), torch.ones(1, 1, 1))


def unit_range(split: Split) -> Preprocessing:
    """Times 1/256. Source: Caffe, examples/mnist (scale: 0.00390625)."""
    return Preprocessing(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 1.0 / 256.0))


def imagenet(split: Split) -> Preprocessing:
    """ImageNet's mean and standard deviation, for networks that were trained with them; RGB only."""
    if split.shape[0] != 3:
        raise ConfigError(f"preprocessing=imagenet is for images of 3 channels, got {split.shape[0]}")
    mean, std = (torch.tensor(values).view(3, 1, 1) * 255.0 for values in (IMAGENET_MEAN, IMAGENET_STD))
    return Preprocessing(mean, 1.0 / std)
