"""Random cuts and mirrors of whole batches, every image its own."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparsecnn.data.cutting import cut
from sparsecnn.errors import ConfigError


@dataclass(frozen=True)
class FlipAndCrop:
    """Mirrors each image with probability 1/2 and cuts it at its own place from a copy padded by `pad` zeros a side."""

    pad: int = 0
    flip: bool = True

    def __post_init__(self) -> None:
        if self.pad < 0:
            raise ConfigError(f"augment.pad must be at least 0, got {self.pad}")
        if self.pad == 0 and not self.flip:
            raise ConfigError("augment.pad = 0 and augment.flip = false do nothing; choose augment=none")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """uint8 [N, C, H, W] to the same shape, channels last; `generator` is a CPU generator."""
        return self.cut(images, *self.draw(len(images), generator))

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Which of `count` images are mirrored [N, 1], and rows and columns at which they are cut [2, N, 1]."""
        mirrored, places = torch.zeros(count, 1, dtype=torch.bool), torch.zeros(2, count, 1, dtype=torch.int64)
        if self.flip:
            mirrored = torch.rand(count, 1, generator=generator) < 0.5
        if self.pad:
            places = torch.randint(0, 2 * self.pad + 1, (2, count, 1), generator=generator)
        return mirrored, places

    def cut(self, images: Tensor, mirrored: Tensor, places: Tensor) -> Tensor:
        """`images` at their places of what was drawn; torchvision would draw once for a whole batch."""
        return cut(images.permute(0, 2, 3, 1), self.pad, mirrored, places).permute(0, 3, 1, 2)
