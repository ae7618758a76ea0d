"""Splits too large for memory: files that are decoded, cut and mirrored as they are needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision.transforms import v2

from sparsecnn.data.cuts import USUAL, Cuts
from sparsecnn.data.decoding import decode
from sparsecnn.errors import DataError

# Statistics are told from so many images, drawn with this seed: exact ones would cost a pass over all files.
SAMPLE = 2048
SAMPLE_SEED = 0
CPU = torch.device("cpu")


class _Files(Dataset[tuple[Tensor, int] | DataError]):
    """What the worker processes see: each image by its number, cut as `seed` and that number say."""

    def __init__(self, paths: tuple[Path, ...], labels: list[int], transform: v2.Transform, seed: int) -> None:
        self.paths, self.labels, self.transform, self.seed = paths, labels, transform, seed

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int] | DataError:
        try:
            image = read_rgb(self.paths[index])
        except DataError as error:
            # Raised in a worker, it would bring that process's traceback along, which keeps the loader from closing.
            return error
        with _seeded(self.seed + index):
            return self.transform(image), self.labels[index]


def _batch(items: list[tuple[Tensor, int] | DataError]) -> tuple[Tensor, Tensor] | DataError:
    errors = [item for item in items if isinstance(item, DataError)]
    if errors:
        return errors[0]
    images, labels = default_collate(items)
    return images, labels


@dataclass(frozen=True)
class StreamedSplit:
    """Files and their labels int64 [N]; every image comes out at `size` x `size` pixels, RGB.

    With `is_training` each image gets its own random cut and mirror, as `cuts` says; `workers` processes decode (0
    decodes in this one). Batches repeat under the same generator, whatever the number of workers.
    """

    paths: tuple[Path, ...]
    labels: Tensor
    size: int
    is_training: bool
    workers: int
    cuts: Cuts = USUAL
    device: torch.device = CPU

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3, size, size)."""
        return 3, self.size, self.size

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, indices: Tensor) -> "StreamedSplit":
        """The files at `indices`."""
        return replace(self, paths=tuple(self.paths[i] for i in indices.tolist()), labels=self.labels[indices])

    def evaluation(self) -> "StreamedSplit":
        """The same files, cut in the middle."""
        return replace(self, is_training=False)

    def to(self, device: torch.device) -> "StreamedSplit":
        """The same files, whose batches come on `device`."""
        return replace(self, device=device)

    def batches(self, order: Tensor, size: int, generator: torch.Generator | None) -> Iterator[tuple[Tensor, Tensor]]:
        """Decodes as it goes; a file that cannot be decoded raises DataError.

        `generator` gives one number, which makes all cuts; without it they are the same each time.
        """
        transform = (self.cuts.training if self.is_training else self.cuts.evaluation)(self.size)
        seed = 0 if generator is None else int(torch.randint(2**62, (), generator=generator))
        loader = DataLoader(
            _Files(self.paths, self.labels.tolist(), transform, seed),
            batch_size=size,
            sampler=order.tolist(),
            num_workers=self.workers,
            collate_fn=_batch,
            generator=torch.Generator(),  # else the loader draws from the global one, and dropout changes
            pin_memory=self.device.type == "cuda",
        )
        try:
            for batch in loader:
                if isinstance(batch, DataError):
                    raise batch
                images, labels = batch
                moved = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
                yield moved, labels.to(self.device, non_blocking=True)
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker"):
                raise
            raise DataError("a process that decodes images was killed; data.workers=0 does without them") from error

    def mean_image(self) -> Tensor:
        """Over a fixed sample of at most 2,048 images, float32 [C, H, W] in 0..255."""
        total = torch.zeros(self.shape, dtype=torch.float64)
        for images, _ in self._sample():
            total += images.double().sum(dim=0).cpu()
        return (total / min(SAMPLE, len(self))).float()

    def channel_stats(self) -> tuple[Tensor, Tensor]:
        """Over a fixed sample of at most 2,048 images, float32 [C] in 0..255."""
        sums = torch.zeros(2, 3, dtype=torch.float64)
        for images, _ in self._sample():
            pixels = images.double().cpu()
            sums += torch.stack([pixels.sum(dim=(0, 2, 3)), pixels.square().sum(dim=(0, 2, 3))])
        mean, mean_square = sums / (min(SAMPLE, len(self)) * self.size**2)
        return mean.float(), (mean_square - mean.square()).clamp(min=0).sqrt().float()

    def _sample(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(SAMPLE_SEED))[:SAMPLE]
        return self.evaluation().batches(order, 64, torch.Generator().manual_seed(SAMPLE_SEED))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torchvision draws from the global CPU generator, which is put back: decoding must not change a training."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPU's too
    try:
        yield
    finally:
        torch.set_rng_state(state)


def read_rgb(path: Path) -> Image.Image:
    """The image in a file, as RGB; DataError when it cannot be read or decoded."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    return decode(data, str(path)).convert("RGB")
