"""What a data set is to the rest of the program."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Split(Protocol):
    """Labelled images: `labels` int64, [N] or of every pixel [N, H, W]; `shape` (C, H, W) of every image."""

    @property
    def labels(self) -> Tensor: ...

    @property
    def shape(self) -> tuple[int, int, int]: ...

    def __len__(self) -> int: ...

    def select(self, indices: Tensor) -> "Split":
        """The images at `indices`, in that order."""

    def evaluation(self) -> "Split":
        """The same images as they are shown in an evaluation, without random cuts."""

    def to(self, device: torch.device) -> "Split":
        """The same images, whose batches come on `device`."""

    def batches(self, order: Tensor, size: int, generator: torch.Generator | None) -> Iterator[tuple[Tensor, Tensor]]:
        """Images uint8 [n, C, H, W] (channels last) and labels [n] or [n, H, W] in the given order.

        The last batch may be short.
        """

    def mean_image(self) -> Tensor:
        """Float32 [C, H, W] in 0..255."""

    def channel_stats(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel, float32 [C] in 0..255."""


@dataclass(frozen=True)
class DataSet:
    """A train split, a test split, and the classes that their labels count; `fingerprint` names the content."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    fingerprint: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.train.shape

    @property
    def label_shape(self) -> tuple[int, ...]:
        """That of the labels of one image: (), or (H, W) where every pixel has one."""
        return tuple(self.train.labels.shape[1:])
