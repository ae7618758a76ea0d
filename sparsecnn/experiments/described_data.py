"""Data that is described alone: the shapes for which a network is built where no image is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparsecnn.errors import ConfigError
from sparsecnn.models import build_model


@dataclass(frozen=True)
class DescribedData:
    """Images of `image_shape` (C, H, W) in `classes`; `label_shape` is (H, W) where every pixel has a label.

    Raises ConfigError for what no image can be.
    """

    image_shape: Sequence[int]
    classes: int = 10
    label_shape: Sequence[int] = ()

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or not _are_sides(self.image_shape):
            raise ConfigError(f"image_shape must be channels, height and width, got {list(self.image_shape)}")
        if len(self.label_shape) not in (0, 2) or not _are_sides(self.label_shape):
            raise ConfigError(f"label_shape must be empty, or height and width, got {list(self.label_shape)}")
        if self.classes < 1:
            raise ConfigError(f"classes must be at least 1, got {self.classes}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of an image: channels, height, width."""
        channels, height, width = self.image_shape
        return channels, height, width

    def network(self, factory: Callable[..., nn.Module]) -> nn.Module:
        """The network that `factory` gives for such images, its weights drawn with seed 0."""
        torch.manual_seed(0)
        return build_model(factory, image_shape=self.shape, classes=self.classes, label_shape=tuple(self.label_shape))

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Images of noise [size, C, H, W] and labels, one class after the other."""
        images = torch.randn(size, *self.shape).contiguous(memory_format=torch.channels_last)
        labels = torch.arange(size) % self.classes
        return images, labels.view(-1, *[1] * len(self.label_shape)).expand(-1, *self.label_shape).contiguous()


def _are_sides(numbers: Sequence[object]) -> bool:
    return all(isinstance(number, int) and number >= 1 for number in numbers)
