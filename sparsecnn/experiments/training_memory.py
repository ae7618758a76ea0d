"""`bench-training-memory`: what a training step keeps in memory beside the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.models import build_model
from sparsecnn.training import ActivationBytes, activation_bytes


@dataclass(frozen=True)
class TrainingMemory:
    """One step of the network that `model` gives, on `batch_size` images of noise of `image_shape` (C, H, W)."""

    model: Callable[..., nn.Module]
    image_shape: Sequence[int]
    classes: int = 10
    batch_size: int = 32

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or min(self.image_shape) < 1:
            raise ConfigError(f"image_shape must be channels, height and width, got {list(self.image_shape)}")
        for name, value in (("classes", self.classes), ("batch_size", self.batch_size)):
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")

    def execute(self) -> ActivationBytes:
        """Measures it, in float32 on the CPU, where the bytes are those of any device."""
        channels, height, width = self.image_shape
        torch.manual_seed(0)
        model = build_model(self.model, image_shape=(channels, height, width), classes=self.classes)
        model.to(memory_format=torch.channels_last)
        images = torch.randn(self.batch_size, channels, height, width).contiguous(memory_format=torch.channels_last)
        return activation_bytes(model, images, torch.arange(self.batch_size) % self.classes)
