"""Splits that lie in memory as a whole, one byte a value."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sparsecnn.data.decoding import check_labels
from sparsecnn.data.types import DataSet
from sparsecnn.errors import DataError

# Values that statistics turn to float64 at a time: 128 MiB. The sums are of whole numbers, so exact in any order.
CHUNK_VALUES = 2**24


@dataclass(frozen=True)
class ResidentSplit:
    """Images uint8 [N, H, W, C], channels last so that one gather cuts a batch; labels int64 [N] or [N, H, W]."""

    images: Tensor
    labels: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Tensor) -> "ResidentSplit":
        """The images at `indices`, copied."""
        return ResidentSplit(self.images[indices], self.labels[indices])

    def evaluation(self) -> "ResidentSplit":
        """Itself: resident images are cut at random by the solver, not by the split."""
        return self

    def to(self, device: torch.device) -> "ResidentSplit":
        """The whole split on `device`."""
        return ResidentSplit(self.images.to(device), self.labels.to(device))

    def batches(self, order: Tensor, size: int, generator: torch.Generator | None) -> Iterator[tuple[Tensor, Tensor]]:
        """Gathers by index; `generator` is not used."""
        for indices in order.to(self.labels.device).split(size):
            yield (
                self.images.index_select(0, indices).permute(0, 3, 1, 2),
                self.labels.index_select(0, indices),
            )

    def mean_image(self) -> Tensor:
        """The exact mean over all images, float32 [C, H, W] in 0..255."""
        total = torch.zeros(self.images.shape[1:], dtype=torch.float64, device=self.images.device)
        for chunk in self._chunks():
            total += chunk.double().sum(dim=0)
        return (total / len(self)).permute(2, 0, 1).float()

    def channel_stats(self) -> tuple[Tensor, Tensor]:
        """The exact mean and standard deviation over all pixels, float32 [C] in 0..255."""
        channels = self.images.shape[-1]
        sums = torch.zeros(2, channels, dtype=torch.float64, device=self.images.device)
        for chunk in self._chunks():
            pixels = chunk.reshape(-1, channels).double()
            sums += torch.stack([pixels.sum(dim=0), pixels.square().sum(dim=0)])
        mean, mean_square = sums / (self.images.numel() // channels)
        return mean.float(), (mean_square - mean.square()).clamp(min=0).sqrt().float()

    def _chunks(self) -> tuple[Tensor, ...]:
        chunks: tuple[Tensor, ...] = self.images.split(max(1, CHUNK_VALUES // self.images[0].numel()))
        return chunks


def resident_data_set(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    classes: Sequence[str],
) -> DataSet:
    """A data set of arrays: images uint8 [N, H, W, C] or [N, H, W], labels of whole numbers [N] or [N, H, W].

    Images are copied only if they are not contiguous or not writable. DataError for other types or shapes, a label
    that numbers none of `classes`, an empty split, or splits of different images.
    """
    named = ((train, f"{name}, train"), (test, f"{name}, test"))
    splits = [_resident(*arrays, len(classes), where) for arrays, where in named]
    if splits[0].shape != splits[1].shape:
        raise DataError(f"{name}: train and test images differ in size or channels")
    if splits[0].labels.dim() != splits[1].labels.dim():
        raise DataError(f"{name}: either every image of train and test has a label, or every pixel")
    return DataSet(name, splits[0], splits[1], tuple(classes), fingerprint(splits, classes))


def fingerprint(splits: Sequence[ResidentSplit], classes: Sequence[str]) -> str:
    """A hash of all pixels, labels and class names."""
    content = hashlib.blake2b("\n".join(classes).encode(), digest_size=16)
    for split in splits:
        content.update(str(tuple(split.images.shape)).encode())
        content.update(split.images.numpy().data)
        content.update(split.labels.numpy().data)
    return content.hexdigest()


def _resident(images: np.ndarray, labels: np.ndarray, classes: int, where: str) -> ResidentSplit:
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.size == 0:
        raise DataError(f"{where}: images must be uint8 [N, H, W, C] or [N, H, W], got {_about(images)}")
    if labels.dtype.kind not in "iu" or labels.shape not in (images.shape[:1], images.shape[:3]):
        shapes = f"[{len(images)}] or {list(images.shape[:3])}"
        raise DataError(f"{where}: labels must be whole numbers {shapes}, got {_about(labels)}")
    each = labels[0].size
    checked = check_labels(labels.ravel().tolist(), classes, lambda index: f"{where}, image {index // each}")
    pixels = np.require(images if images.ndim == 4 else images[..., None], requirements=["C", "W"])
    return ResidentSplit(torch.from_numpy(pixels), torch.from_numpy(checked.reshape(labels.shape)))


def _about(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)}"
