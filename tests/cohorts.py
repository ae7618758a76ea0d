"""Cohorts for tests: members trained alone and together, and what must be the same of them."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsecnn import regularizers, solvers
from sparsecnn.data import FlipAndCrop, ResidentSplit, standardize
from sparsecnn.errors import DivergedError
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training import Epoch, Member, Observer, Placement, Trainer, train_cohort_

CLASSES = 4
# A mean that is zero but for rounding: of maps that leave a normalisation.
ROUNDING = 1e-16
DENSITIES = (0.5, 0.2, 0.9)
Build = Callable[[], nn.Module]
Regularize = Callable[[nn.Module, float], Regularizer]
Shape = tuple[int, int, int]


def split(shape: Shape, count: int = 22) -> ResidentSplit:
    """Images of noise; batches of 8 leave a short one."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, *shape[1:], shape[0]), generator=generator)
    return ResidentSplit(images.to(torch.uint8), torch.randint(0, CLASSES, (count,), generator=generator))


def trainer(shape: Shape, dtype: torch.dtype = torch.float32, mixed: torch.dtype | None = None) -> Trainer:
    data = split(shape)
    standardized = standardize(data)

    def preprocess(images: Tensor) -> Tensor:
        return standardized(images).to(dtype)

    return Trainer(data, preprocess, Placement(torch.device("cpu"), mixed))


def solver(**changes: Any) -> Solver:
    values: dict[str, Any] = {
        "optimizer": functools.partial(torch.optim.SGD, momentum=0.9),
        "learning_rate": 0.01,
        "schedule": solvers.one_cycle,
        "batch_size": 8,
        "epochs": 1.67,  # 5 steps, 3 of them the first epoch
        "weight_decay": 0.01,
        "bias_lr_factor": 2.0,
        "bias_decay_factor": 0.0,
        "augment": FlipAndCrop(pad=1),
        **changes,
    }
    return Solver(**values)


def small() -> nn.Module:
    """Normalisation, dropout of maps and of vectors, and two layers that share their weight."""
    first, second = nn.Linear(16, 16), nn.Linear(16, 16)
    second.weight = first.weight
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.MaxPool2d(4), nn.Flatten()),
        *(nn.ReLU(), first, nn.Dropout(0.5, inplace=True), second, nn.Linear(16, CLASSES)),
    )


def budgets(model: nn.Module, density: float) -> dict[str, int]:
    return {name: round(density * weight.numel()) for name, weight in prunable_weights(model).items()}


def projection(model: nn.Module, density: float) -> Regularizer:
    return regularizers.l0_projection(budgets(model, density))


def members(build: Build, regularize: Regularize = projection, epochs: list[Epoch] | None = None) -> list[Member]:
    """Three of different weights, densities and seeds, whose epochs go to one list."""
    made = []
    for number, density in enumerate(DENSITIES):
        torch.manual_seed(number)
        model = build()
        observer = Observer(on_epoch=None if epochs is None else epochs.append)
        made.append(Member(model, regularize(model, density), 10 + number, observer))
    return made


def train_alone_(trainer: Trainer, solver: Solver, member: Member) -> None:
    trainer.train_(member.model, solver, member.regularizer, seed=member.seed, observer=member.observer)


def assert_same(found: nn.Module, wanted: nn.Module, rtol: float) -> None:
    """The same support, and the same values but for `rtol` of the largest of each tensor, or for ROUNDING."""
    kept = {layer: weight != 0 for layer, weight in prunable_weights(found).items()}
    for layer, weight in prunable_weights(wanted).items():
        assert torch.equal(kept[layer], weight != 0), layer
    state = found.state_dict()
    for name, value in wanted.state_dict().items():
        assert state[name].dtype == value.dtype
        assert float((state[name] - value).abs().max()) <= rtol * float(value.abs().max()) + ROUNDING, name


def assert_trains_the_same(
    build: Build,
    trainer: Trainer,
    solver: Solver,
    *,
    rtol: float,
    regularize: Regularize = projection,
) -> None:
    """Trains three members alone and together."""
    epochs_alone, epochs = list[Epoch](), list[Epoch]()
    alone, together = members(build, regularize, epochs_alone), members(build, regularize, epochs)
    for member in alone:
        train_alone_(trainer, solver, member)
    assert not any(isinstance(found, DivergedError) for found in train_cohort_(trainer, solver, together))
    for one, other in zip(together, alone, strict=True):
        assert_same(one.model, other.model, rtol)
    # Alone the epochs of a network follow one another, in a cohort the networks take turns.
    each = len(epochs_alone) // len(alone)
    by_turns = [epochs_alone[number * each + epoch] for epoch in range(each) for number in range(len(alone))]
    for found, wanted in zip(epochs, by_turns, strict=True):
        assert (found.epoch, found.step, found.layers) == (wanted.epoch, wanted.step, wanted.layers)
        assert (found.learning_rate, found.train_accuracy) == (wanted.learning_rate, wanted.train_accuracy)
        assert found.train_loss == pytest.approx(wanted.train_loss, rel=1e-5)
