"""The networks whose steps are timed, and their batches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sparsecnn.data import FlipAndCrop
from sparsecnn.models import ResNet, cifar10_quick, lenet
from sparsecnn.solvers import Augment

BATCH_SIZE = 128


@dataclass(frozen=True)
class Network:
    """What builds it, its images' (channels, height, width), and how the experiments of conf/ change them."""

    build: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    augment: Augment

    def batch(self) -> tuple[Tensor, Tensor]:
        """Random images and labels."""
        images = torch.randn(BATCH_SIZE, *self.shape).contiguous(memory_format=torch.channels_last)
        return images, torch.randint(10, (BATCH_SIZE,))


NETWORKS = {
    "cifar10_quick": Network(cifar10_quick, (3, 32, 32), FlipAndCrop(pad=0, flip=True)),
    "lenet": Network(lenet, (1, 28, 28), FlipAndCrop(pad=2, flip=False)),
    "resnet20": Network(partial(ResNet, 20), (3, 32, 32), FlipAndCrop(pad=4, flip=True)),
}
