"""One training from its first step to its last: what it consists of, and how far it is."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsecnn.data import Split
from sparsecnn.errors import ConfigError
from sparsecnn.layers.support import on_support
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training.answers import is_of_pixels, rarities
from sparsecnn.training.batches import Part, epoch_batches
from sparsecnn.training.losses import LossWindows
from sparsecnn.training.observer import Observer
from sparsecnn.training.placement import Placement, averaging
from sparsecnn.training.snapshot import Snapshots
from sparsecnn.training.telemetry import Epoch, EpochEnd, RunningMean, epoch_from, epoch_values, supports

# Far from the seeds that users choose.
RANK_STEP = 1_000_003


@dataclass
class Training:
    """The parts that one training passes from step to step; `step` of `steps` are done, at `rate` the last one.

    `network` computes what `model` does, and where several processes train it, averages gradients with the others.
    `kernels` are those that compute on a fixed support. Of the epoch in progress: the state of `generator` as it began,
    the supports of then, and what was `seen` since. `losses` are by steps, None when nobody wants them; `class_weights`
    None when all classes count alike.
    """

    model: nn.Module
    network: nn.Module
    part: Part
    solver: Solver
    regularizer: Regularizer
    optimizer: Optimizer
    generator: torch.Generator
    weights: dict[str, nn.Parameter]
    steps: int
    images: int
    seen: RunningMean
    losses: LossWindows | None
    class_weights: Tensor | None
    began: Tensor
    before: dict[str, Tensor] = field(default_factory=dict)
    step: int = 0
    rate: float = 0.0
    kernels: ExitStack = field(default_factory=ExitStack)
    is_on_support: bool = False
    epochs: list[Epoch] = field(default_factory=list)

    @classmethod
    def begin(
        cls,
        model: nn.Module,
        solver: Solver,
        regularizer: Regularizer,
        *,
        seed: int,
        labels: Tensor,
        placement: Placement,
        losses: LossWindows | None = None,
    ) -> "Training":
        """Before the first step on images with these labels."""
        if solver.augment is not None and is_of_pixels(labels):
            raise ConfigError("augment must be none: it would move images away from the labels of their pixels")
        if solver.batch_size % placement.ranks:
            raise ConfigError(
                f"solver.batch_size must be a multiple of the {placement.ranks} processes, got {solver.batch_size}"
            )
        torch.manual_seed(seed + placement.rank)
        model.to(placement.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        generator = torch.Generator().manual_seed(seed)
        return cls(
            model=model,
            network=averaging(model, placement),
            part=Part(placement.rank, placement.ranks),
            solver=solver,
            regularizer=regularizer,
            optimizer=solver.build(model),
            generator=generator,
            weights=prunable_weights(model),
            steps=solver.steps_for(len(labels)),
            images=len(labels),
            class_weights=rarities(labels).to(placement.device) if solver.class_weights == "rarity" else None,
            seen=RunningMean.zero(placement.device),
            losses=losses,
            began=generator.get_state(),
        )

    def use_support_(self) -> None:
        """Lets layers compute on their support alone as soon as the regularizer has one, until `kernels` is closed."""
        if self.regularizer.support and not self.is_on_support:
            self.is_on_support = True
            self.kernels.enter_context(on_support(self.model, self.regularizer.support))

    def stop_(self) -> None:
        """Ends what is trained for now. Of several processes the first one takes what all have seen of the epoch."""
        if self.part.ranks > 1 and self.is_inside_an_epoch:
            self.seen.gather_(self.part.rank)

    @property
    def is_inside_an_epoch(self) -> bool:
        """Whether images of the epoch are still to be seen, and will be."""
        return self.seen.count * self.part.ranks < self.images and self.step < self.steps

    def batches(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """What is left of the epoch in progress, or a new one."""
        if self.part.rank:
            # Snapshots hold the first process's state alone, so that the others draw anew wherever one may be taken.
            torch.manual_seed((self.generator.initial_seed() + RANK_STEP * self.step + self.part.rank) % 2**63)
        if self.seen.count == 0:
            self.began, self.before = self.generator.get_state(), supports(self.weights)
            return epoch_batches(split, self.solver, self.generator, part=self.part)
        present = self.generator.get_state()
        self.generator.set_state(self.began)
        seen = self.seen.count * self.part.ranks
        return epoch_batches(split, self.solver, self.generator, part=self.part, seen=seen, present=present)

    def see_(self, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Takes in the batch of the step in progress: its mean loss, scores and labels."""
        self.seen.add(loss, scores, labels)
        if self.losses is not None:
            self.losses.add(loss, len(labels), self.step + 1)

    def close_epoch_(self, observer: Observer) -> None:
        """Ends the epoch in progress, and has it observed."""
        is_last = self.step == self.steps
        if self.part.ranks > 1:
            self.seen.add_up_()
            if self.losses is not None:
                self.losses.add_up_()
        losses = () if self.losses is None else self.losses.take_(is_last=is_last)[0]
        number = len(self.epochs) + 1
        epoch = EpochEnd(number, self.step, self.rate, self.seen, self.before, self.weights, losses).record()
        self.epochs.append(observer.end_epoch(self.model, epoch, is_last=is_last))
        self.seen = RunningMean.zero(self.seen.loss.device)

    def save(self, snapshots: Snapshots) -> None:
        """Keeps how far it is; of several processes the first one does."""
        if self.part.rank:
            return
        progress = {
            "step": self.step,
            "generator": self.generator.get_state(),
            "began": self.began,
            "before": self.before,
            "seen": self.seen.sums(),
            "losses": None if self.losses is None else self.losses.state(),
            "epochs": [epoch_values(epoch) for epoch in self.epochs],
        }
        snapshots.save(self.model, self.optimizer, progress)

    def restore_(self, snapshots: Snapshots) -> None:
        """Goes back to where `save` left it, if that is known."""
        progress: dict[str, Any] | None = snapshots.restore_(self.model, self.optimizer)
        if progress is None:
            return
        self.step, self.began = progress["step"], progress["began"]
        self.generator.set_state(progress["generator"])
        self.before = {name: kept.to(self.weights[name].device) for name, kept in progress["before"].items()}
        self.seen.restore_(progress["seen"])
        if self.part.rank:
            self.seen.clear_()
        if self.losses is not None:
            self.losses.restore_(progress["losses"], self.seen.loss.device)
        self.epochs = [epoch_from(values) for values in progress["epochs"]]
