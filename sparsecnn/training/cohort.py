"""A cohort: networks of one architecture trained at the same time, as one network over stacked parameters.

A step of K small networks keeps a GPU as long as a step of one, most of which it idles. Every network has its own
starting weights, regularizer, order of images, cuts, mirrors and dropout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsecnn.errors import DivergedError
from sparsecnn.regularizers import Regularizer, together, unstacked
from sparsecnn.solvers import Solver
from sparsecnn.training.batches import cohort_batches
from sparsecnn.training.loop import Trainer, diverged, is_check_due
from sparsecnn.training.losses import LossWindows, StepLoss
from sparsecnn.training.observer import Observer
from sparsecnn.training.stack import Stack, cross_entropies
from sparsecnn.training.telemetry import Epoch, EpochEnd, RunningMean, supports


@dataclass(frozen=True)
class Member:
    """One network of a cohort, and what it does not share with the others."""

    model: nn.Module
    regularizer: Regularizer
    seed: int
    observer: Observer


def train_cohort_(
    trainer: Trainer, solver: Solver, members: Sequence[Member]
) -> list[tuple[Epoch, ...] | DivergedError]:
    """Trains the network of each member in place, as `trainer.train_` would alone, up to float32 rounding.

    Returns what that would for each member. A loss that is not finite ends its own member's part: its network is left
    as its last finite epoch ended, and its error is returned in its place. `stackable.why_unstackable` says which
    networks will do. On CUDA, where dropout alone draws otherwise, the masks are others. Source of the technique:
    torch.func, "Model ensembling".
    """
    device = trainer.placement.device
    for member in members:
        member.model.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    masks = [torch.Generator(device).manual_seed(member.seed) for member in members]
    stack = Stack.of([member.model for member in members], masks)
    weights = stack.weights()
    run = _Run(
        trainer=trainer,
        solver=solver,
        members=members,
        generators=[torch.Generator().manual_seed(member.seed) for member in members],
        stack=stack,
        weights=weights,
        regularizer=together([member.regularizer for member in members], weights),
        optimizer=solver.build(members[0].model, stack.parameters),
        steps=solver.steps_for(len(trainer.split)),
        losses=trainer.windows(len(members)),
        errors=[None] * len(members),
        epochs=[[] for _ in members],
    )
    run.train_()
    for error, epochs in zip(run.errors, run.epochs, strict=True):
        if error is not None:
            error.epochs = tuple(epochs)
    return [error or tuple(epochs) for error, epochs in zip(run.errors, run.epochs, strict=True)]


@dataclass(frozen=True)
class _Run:
    """One training of a cohort."""

    trainer: Trainer
    solver: Solver
    members: Sequence[Member]
    generators: Sequence[torch.Generator]
    stack: Stack
    weights: dict[str, Tensor]
    regularizer: Regularizer
    optimizer: Optimizer
    steps: int
    losses: LossWindows | None
    errors: list[DivergedError | None]
    epochs: list[list[Epoch]]

    def train_(self) -> None:
        epoch, step = 0, 0
        self.regularizer.begin_(self.weights, step=0, steps=self.steps)
        while step < self.steps and self._is_any_left():
            before = supports(self.weights)
            seen, step, rate = self._epoch_(step)
            epoch += 1
            self.regularizer.settle_(self.weights)
            losses = self._closed_(is_last=step == self.steps)
            parts = zip(self.members, seen.each(), unstacked(before), unstacked(self.weights), losses, strict=True)
            for number, (member, own_seen, own_before, own_weights, own_losses) in enumerate(parts):
                if self.errors[number] is None:
                    self.stack.copy_to_(member.model, number)
                    record = EpochEnd(epoch, step, rate, own_seen, own_before, own_weights, own_losses).record()
                    observed = member.observer.end_epoch(member.model, record, is_last=step == self.steps)
                    self.epochs[number].append(observed)

    def _epoch_(self, step: int) -> tuple[RunningMean, int, float]:
        seen, rate = RunningMean.zero(self.trainer.placement.device, len(self.members)), 0.0
        for images, labels in cohort_batches(self.trainer.split, self.solver, self.generators):
            rate = self.solver.set_learning_rate_(self.optimizer, step, self.steps)
            # [K * N, C, H, W] to [K, N, C, H, W]
            losses = self._step_(self.trainer.preprocess(images).unflatten(0, labels.shape), labels, seen)
            step += 1
            if self.losses is not None:
                self.losses.add(losses, labels.shape[-1], step)
            self.regularizer.apply_(self.weights, step=step, steps=self.steps, lr=rate)
            if is_check_due(step, self.trainer.placement):
                self._note_diverged_(seen, step)
            for member, error in zip(self.members, self.errors, strict=True):
                if error is None:
                    member.observer.end_step(step, self.steps)
            if step == self.steps or not self._is_any_left():
                break
        self._note_diverged_(seen, step)
        return seen, step, rate

    def _step_(self, images: Tensor, labels: Tensor, seen: RunningMean) -> Tensor:
        """The mean loss of each network [K]."""
        with self.trainer.placement.autocast():
            scores = self.stack.scores(images)
            losses = cross_entropies(scores, labels, label_smoothing=self.solver.label_smoothing).mean(dim=1)
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()  # each loss knows its own network only, so the gradients do not mix
        self.optimizer.step()
        seen.add(losses, scores, labels)
        return losses

    def _closed_(self, *, is_last: bool) -> list[tuple[StepLoss, ...]]:
        return [()] * len(self.members) if self.losses is None else self.losses.take_(is_last=is_last)

    def _note_diverged_(self, seen: RunningMean, step: int) -> None:
        for number, is_finite in enumerate(torch.isfinite(seen.loss).tolist()):
            if not is_finite and self.errors[number] is None:
                self.errors[number] = diverged(step)

    def _is_any_left(self) -> bool:
        return None in self.errors
