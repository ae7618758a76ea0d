"""The training loop: a batch, a step, the regularizer."""

import math
from dataclasses import dataclass

import torch.distributed as dist
from torch import Tensor, nn

from sparsecnn.data import Preprocessing, Split
from sparsecnn.errors import DivergedError
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training.losses import LossWindows
from sparsecnn.training.observer import Observer
from sparsecnn.training.placement import Placement
from sparsecnn.training.progress import Training
from sparsecnn.training.snapshot import Snapshots
from sparsecnn.training.telemetry import Epoch

# On the CPU; to read the loss of a GPU is to wait for it, so there it is checked once an epoch.
CHECK_LOSS_EVERY = 50


@dataclass(frozen=True)
class Trainer:
    """What the trainings of one experiment have in common; they record the mean loss of every `loss_every` steps."""

    split: Split
    preprocess: Preprocessing
    placement: Placement
    loss_every: int | None = None

    def train_(
        self,
        model: nn.Module,
        solver: Solver,
        regularizer: Regularizer,
        *,
        seed: int,
        observer: Observer,
        snapshots: Snapshots | None = None,
        stop: int | None = None,
    ) -> tuple[Epoch, ...]:
        """Trains `model` in place under `regularizer`, leaves it settled, and returns all its epochs.

        The last epoch has no validation: whoever measures the trained network knows it. Order, augmentation and dropout
        depend on `seed` alone. With `snapshots` a training that was killed goes on after its last whole epoch, and one
        that was stopped after step number `stop` goes on there, with the same numbers as if it had not stopped. Raises
        DivergedError when the loss is not finite.
        """
        run = Training.begin(
            model,
            solver,
            regularizer,
            seed=seed,
            labels=self.split.labels,
            placement=self.placement,
            losses=self.windows(),
        )
        if snapshots:
            run.restore_(snapshots)
        regularizer.begin_(run.weights, step=run.step, steps=run.steps)
        end = run.steps if stop is None else min(stop, run.steps)
        try:
            self._train_(run, end, observer, snapshots)
        except DivergedError as error:
            error.epochs = tuple(run.epochs)
            raise
        return tuple(run.epochs)

    def _train_(self, run: Training, end: int, observer: Observer, snapshots: Snapshots | None) -> None:
        with run.kernels:
            while run.step < end:
                self._epoch_(run, end, observer)
                run.stop_()
                if not run.is_inside_an_epoch:
                    run.regularizer.settle_(run.weights)
                    run.close_epoch_(observer)
                if snapshots and run.step < run.steps:
                    run.save(snapshots)
        run.regularizer.settle_(run.weights)

    def windows(self, networks: int = 1) -> LossWindows | None:
        """What records the loss by steps of so many networks, None when nothing is to do so."""
        return None if self.loss_every is None else LossWindows(self.loss_every, networks)

    def _epoch_(self, run: Training, end: int, observer: Observer) -> None:
        """Trains to the end of the epoch, or to step `end` in it."""
        for images, labels in run.batches(self.split):
            run.use_support_()
            run.rate = run.solver.set_learning_rate_(run.optimizer, run.step, run.steps)
            self._step_(run, self.preprocess(images), labels)
            run.step += 1
            run.regularizer.apply_(run.weights, step=run.step, steps=run.steps, lr=run.rate)
            if is_check_due(run.step, self.placement):
                _check_finite(run)
            observer.end_step(run.step, run.steps)
            if run.step == end:
                break
        _check_finite(run)

    def _step_(self, run: Training, images: Tensor, labels: Tensor) -> None:
        with self.placement.autocast():
            scores = run.network(images)
            loss = nn.functional.cross_entropy(
                scores, labels, weight=run.class_weights, label_smoothing=run.solver.label_smoothing
            )
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        run.optimizer.step()
        run.see_(loss, scores, labels)


def is_check_due(step: int, placement: Placement) -> bool:
    """Whether the loss is read behind this step, beside at the end of an epoch."""
    return step % CHECK_LOSS_EVERY == 0 and placement.device.type == "cpu"


def diverged(step: int) -> DivergedError:
    """The error of a training whose loss is not finite."""
    return DivergedError(f"the loss is not finite at step {step}")


def _check_finite(run: Training) -> None:
    loss = run.seen.loss
    if run.part.ranks > 1:  # all processes stop, or none
        loss = loss.clone()
        dist.all_reduce(loss)
    if not math.isfinite(float(loss)):
        raise diverged(run.step)
