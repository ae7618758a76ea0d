"""The training loop: a batch, a step, the regularizer."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparsecnn.data import Split
from sparsecnn.errors import DivergedError
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training.evaluation import Evaluation
from sparsecnn.training.placement import Placement
from sparsecnn.training.snapshot import Snapshots
from sparsecnn.training.telemetry import Epoch, RunningMean, layer_epochs, supports

# Reading the loss waits for the device, so it is checked only now and then.
CHECK_LOSS_EVERY = 50


@dataclass(frozen=True)
class Observer:
    """What happens around a training without changing it: each is called if it is there.

    `validate` measures at the end of each epoch, `on_epoch` records it, `on_step` counts (steps done, steps in all).
    """

    validate: Callable[[nn.Module], Evaluation] | None = None
    on_epoch: Callable[[Epoch], None] | None = None
    on_step: Callable[[int, int], None] | None = None


@dataclass(frozen=True)
class Trainer:
    """What the trainings of one experiment have in common."""

    split: Split
    preprocess: Callable[[Tensor], Tensor]
    placement: Placement

    def train_(
        self,
        model: nn.Module,
        solver: Solver,
        regularizer: Regularizer,
        *,
        seed: int,
        observer: Observer,
        snapshots: Snapshots | None = None,
    ) -> None:
        """Trains `model` in place under `regularizer`, and leaves it settled.

        Order, augmentation and dropout depend on `seed` alone. With `snapshots` a training that was killed goes on
        after its last whole epoch. Raises DivergedError when the loss is not finite.
        """
        torch.manual_seed(seed)
        model.to(self.placement.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        generator = torch.Generator().manual_seed(seed)
        steps = solver.steps_for(len(self.split))
        run = _Run(model, solver, regularizer, observer, solver.build(model), generator, prunable_weights(model), steps)
        epoch, step = snapshots.restore_(model, run.optimizer, generator) if snapshots else (0, 0)
        regularizer.begin_(run.weights, step=step, steps=steps)
        while step < steps:
            before = supports(run.weights)
            seen, step, rate = self._epoch_(run, step)
            epoch += 1
            regularizer.settle_(run.weights)
            if observer.on_epoch:
                observer.on_epoch(_recorded(run, epoch, step, rate, seen, before))
            if snapshots and step < steps:
                snapshots.save(model, run.optimizer, generator, epoch=epoch, step=step)

    def _epoch_(self, run: "_Run", step: int) -> tuple[RunningMean, int, float]:
        seen, rate = RunningMean(self.placement.device), 0.0
        order = torch.arange(len(self.split))
        if run.solver.shuffle:
            order = torch.randperm(len(self.split), generator=run.generator)
        for images, labels in self.split.batches(order, run.solver.batch_size, run.generator):
            rate = run.solver.set_learning_rate_(run.optimizer, step, run.steps)
            batch = run.solver.augment(images, run.generator) if run.solver.augment else images
            self._step_(run, self.preprocess(batch), labels, seen)
            step += 1
            run.regularizer.apply_(run.weights, step=step, steps=run.steps, lr=rate)
            if step % CHECK_LOSS_EVERY == 0 or step == run.steps:
                _check_finite(seen, step)
            if run.observer.on_step:
                run.observer.on_step(step, run.steps)
            if step == run.steps:
                break
        _check_finite(seen, step)
        return seen, step, rate

    def _step_(self, run: "_Run", images: Tensor, labels: Tensor, seen: RunningMean) -> None:
        with self.placement.autocast():
            scores = run.model(images)
            loss = nn.functional.cross_entropy(scores, labels, label_smoothing=run.solver.label_smoothing)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()
        seen.add(loss, scores, labels)


@dataclass(frozen=True)
class _Run:
    """The parts that one training passes from step to step."""

    model: nn.Module
    solver: Solver
    regularizer: Regularizer
    observer: Observer
    optimizer: Optimizer
    generator: torch.Generator
    weights: dict[str, nn.Parameter]
    steps: int


def _recorded(run: _Run, epoch: int, step: int, rate: float, seen: RunningMean, before: Mapping[str, Tensor]) -> Epoch:
    measured = run.observer.validate(run.model) if run.observer.validate else None
    return Epoch(
        epoch=epoch,
        step=step,
        train_loss=seen.mean_loss,
        train_accuracy=seen.accuracy,
        learning_rate=rate,
        val_loss=measured.loss if measured else None,
        val_accuracy=measured.accuracy if measured else None,
        layers=layer_epochs(before, supports(run.weights)),
    )


def _check_finite(seen: RunningMean, step: int) -> None:
    if not math.isfinite(float(seen.loss)):
        raise DivergedError(f"the loss is not finite at step {step}")
