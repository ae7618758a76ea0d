"""What a user would write to retrain a candidate: the loop that benchmarks/candidates.py compares with.

A data set of PIL images with torchvision's transforms behind a DataLoader of two worker processes, tensors in torch's
default layout, torch's default threads, masks by torch.topk after every step. It runs in a process of its own, where
the settings of this package (threads, memory) do not reach it.
"""

import multiprocessing
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from sparsecnn.data import Preprocessing, ResidentSplit
from sparsecnn.models import prunable_weights
from sparsecnn.solvers import Solver


class Images(Dataset[tuple[Tensor, int]]):
    """Images of a split as a torchvision data set gives them: from an array to PIL, then transformed."""

    def __init__(self, split: ResidentSplit, transform: transforms.Compose) -> None:
        self.images, self.labels, self.transform = split.images.numpy(), split.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image: Tensor = self.transform(Image.fromarray(self.images[index].squeeze()))
        return image, self.labels[index]


def loader(images: Images, batch_size: int, *, shuffle: bool = False) -> DataLoader[tuple[Tensor, int]]:
    """Batches by two worker processes, forked as in a user's own process on Linux."""
    return DataLoader(images, batch_size, shuffle, num_workers=2, multiprocessing_context="fork")


@dataclass(frozen=True)
class UsersLoop:
    """Trains candidates one after another."""

    train: ResidentSplit
    validation: ResidentSplit
    test: ResidentSplit
    preprocessing: Preprocessing
    random: tuple[nn.Module, ...]
    solver: Solver

    def candidate(self, model: nn.Module, budgets: Mapping[str, int]) -> tuple[float, float]:
        """Trains `model` within `budgets` and returns its accuracies on validation and test, in percent."""
        mean, scale = (part.flatten() for part in (self.preprocessing.offset, self.preprocessing.scale))
        plain = [transforms.ToTensor(), transforms.Normalize((mean / 255).tolist(), (1 / scale / 255).tolist())]
        optimizer, steps = self.solver.build(model), self.solver.steps_for(len(self.train))
        weights = {name: weight for name, weight in prunable_weights(model).items() if name in budgets}
        model.train()
        images = Images(self.train, transforms.Compose([*self.random, *plain]))
        batches = iter(loader(images, self.solver.batch_size, shuffle=True))
        for step in range(steps):
            batch, labels = next(batches)
            self.solver.set_learning_rate_(optimizer, step, steps)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch), labels).backward()
            optimizer.step()
            with torch.no_grad():
                for name, weight in weights.items():
                    flat = weight.view(-1)
                    kept = torch.topk(flat.abs(), budgets[name], sorted=False).indices
                    flat.mul_(torch.zeros_like(flat).index_fill_(0, kept, 1.0))
        return self._accuracy(model, self.validation, plain), self._accuracy(model, self.test, plain)

    def _accuracy(self, model: nn.Module, split: ResidentSplit, plain: list[nn.Module]) -> float:
        model.eval()
        correct = 0
        with torch.no_grad():
            for batch, labels in loader(Images(split, transforms.Compose(plain)), 500):
                correct += int((model(batch).argmax(dim=1) == labels).sum())
        return 100.0 * correct / len(split)


class Seconds(Protocol):
    """How long one candidate takes that starts at `model`."""

    def __call__(self, model: nn.Module, budgets: Mapping[str, int]) -> float: ...


@contextmanager
def elsewhere(loop: UsersLoop) -> Iterator[Seconds]:
    """Times candidates of `loop` in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (loop,)) as process:
        yield lambda model, budgets: process.submit(_seconds, model, budgets).result()


# The loop of the process.
_loops: list[UsersLoop] = []


def _begin(loop: UsersLoop) -> None:
    _loops.append(loop)


def _seconds(model: nn.Module, budgets: Mapping[str, int]) -> float:
    started = time.perf_counter()
    _loops[0].candidate(model, budgets)
    return time.perf_counter() - started
