"""How many networks are trained together."""

import copy
import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from sparsecnn.errors import ConfigError
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import l0_projection
from sparsecnn.solvers import Solver
from sparsecnn.training.cohort import Member, train_cohort_
from sparsecnn.training.loop import Trainer
from sparsecnn.training.observer import Observer
from sparsecnn.training.stackable import why_unstackable

log = logging.getLogger(__name__)

# Of the free memory of a device: blocks of unlike sizes leave gaps, and evaluations need some.
SHARE = 0.8


@dataclass(frozen=True)
class DeviceMemory:
    """`free_bytes` before a cohort is made, and the most that a step of one network and of two takes of it."""

    free_bytes: int
    one_bytes: int
    two_bytes: int

    def networks(self) -> int:
        """As many as fit, at least 1: what two take more than one, each one more takes."""
        each = max(1, self.two_bytes - self.one_bytes)
        return max(1, 1 + int((SHARE * self.free_bytes - self.one_bytes) // each))


def measured_memory(trainer: Trainer, model: nn.Module, solver: Solver) -> DeviceMemory:
    """What a step on the trainer's CUDA device takes, with projection, tried on copies of `model`."""
    device = trainer.placement.device
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    before = torch.cuda.memory_allocated(device)
    peaks = []
    for count in (1, 2):
        gc.collect()
        torch.cuda.reset_peak_memory_stats(device)
        try:
            try_step(trainer, model, solver, count)
        except torch.cuda.OutOfMemoryError:
            peaks.append(before + free)
            continue
        peaks.append(torch.cuda.max_memory_allocated(device))
    return DeviceMemory(free, peaks[0] - before, peaks[1] - before)


def try_step(trainer: Trainer, model: nn.Module, solver: Solver, count: int) -> None:
    """One step of `count` copies of `model`, projected on half of their weights; `model` stays as it is."""
    copies = [copy.deepcopy(model) for _ in range(count)]
    members = []
    for number, copied in enumerate(copies):
        halves = {name: (weight.numel() + 1) // 2 for name, weight in prunable_weights(copied).items()}
        members.append(Member(copied, l0_projection(halves), number, Observer()))
    train_cohort_(trainer, replace(solver, steps=1), members)


def cohort_size(
    trainer: Trainer,
    model: nn.Module,
    solver: Solver,
    *,
    wanted: int,
    choice: int | Literal["auto"] = "auto",
    measure: Callable[[Trainer, nn.Module, Solver], DeviceMemory] = measured_memory,
) -> int:
    """How many of `wanted` networks like `model` to train together: `choice`, or by "auto" as many as fit on CUDA.

    By "auto" it is 1 elsewhere, since a stack is slower than its networks one by one on a CPU, and where networks like
    `model` cannot be stacked; for a `choice` above 1 that is a ConfigError.
    """
    if choice != "auto" and choice < 1:
        raise ConfigError(f"a cohort must have at least 1 network, got {choice}")
    most = wanted if choice == "auto" else min(choice, wanted)
    if most <= 1 or (choice == "auto" and trainer.placement.device.type != "cuda"):
        return 1
    reason = why_unstackable(model, solver, trainer.split.shape)
    if reason is None:
        return most if choice != "auto" else min(most, measure(trainer, model, solver).networks())
    if choice != "auto":
        raise ConfigError(f"networks cannot be trained {choice} at a time: {reason}")
    log.info("networks are trained one by one: %s", reason)
    return 1
