"""Random cuts and mirrors of whole batches, every image its own."""

from dataclasses import dataclass

import torch
from torch import Tensor

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
        return flip_and_crop(images, pad=self.pad, flip=self.flip, generator=generator)


def flip_and_crop(images: Tensor, *, pad: int, flip: bool, generator: torch.Generator) -> Tensor:
    """One gather over the padded batch: row and column numbers of every image say where its pixels come from.

    torchvision's transforms draw once for a whole batch, and are slow image by image.
    """
    count, channels, height, width = images.shape
    pixels = images.permute(0, 2, 3, 1)  # [N, H, W, C]
    if pad:
        pixels = torch.nn.functional.pad(pixels, (0, 0, pad, pad, pad, pad))
    rows = torch.arange(height).expand(count, height)
    columns = torch.arange(width).expand(count, width)
    if flip:
        mirrored = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    if pad:
        offsets = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator)
        rows, columns = rows + offsets[0], columns + offsets[1]
    padded_height, padded_width = height + 2 * pad, width + 2 * pad
    first_row = torch.arange(count).view(-1, 1) * padded_height
    places = (first_row + rows).unsqueeze(2) * padded_width + columns.unsqueeze(1)  # [N, H, W]
    flat = pixels.reshape(-1, channels)
    cut = flat.index_select(0, places.flatten().to(images.device, non_blocking=True))
    return cut.view(count, height, width, channels).permute(0, 3, 1, 2)
