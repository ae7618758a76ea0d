"""A training of a few weights on images of four pixels a side."""

import functools
from typing import Any

import torch
from torch import nn

from sparsecnn import solvers
from sparsecnn.data import FlipAndCrop, ResidentSplit, standardize
from sparsecnn.solvers import Solver
from sparsecnn.training import Placement, Trainer

CPU = Placement(torch.device("cpu"))


def split(count: int = 32) -> ResidentSplit:
    """Images of 4 x 4 pixels that are bright above or bright below."""
    labels = torch.arange(count) % 2
    images = torch.randint(0, 100, (count, 4, 4, 1), generator=torch.Generator().manual_seed(0))
    images[labels == 0, :2] += 120
    images[labels == 1, 2:] += 120
    return ResidentSplit(images.to(torch.uint8), labels)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32, 2))


def solver(**changes: Any) -> Solver:
    values: dict[str, Any] = {
        "optimizer": functools.partial(torch.optim.SGD, momentum=0.9),
        "learning_rate": 0.05,
        "schedule": solvers.fixed,
        "batch_size": 8,
        "epochs": 4,
        "augment": FlipAndCrop(pad=1),
        **changes,
    }
    return Solver(**values)


def trainer() -> Trainer:
    return Trainer(split(), standardize(split()), CPU)
