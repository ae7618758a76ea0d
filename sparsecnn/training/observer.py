"""What is told of a training while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from sparsecnn.training.evaluation import Evaluation
from sparsecnn.training.telemetry import Epoch


@dataclass(frozen=True)
class Observer:
    """What happens around a training without changing it: each is called if it is there.

    `validate` measures at the end of each epoch but the last, `on_epoch` records those, `on_step` counts (steps done,
    steps in all). The last epoch is left to whoever measures the trained network.
    """

    validate: Callable[[nn.Module], Evaluation] | None = None
    on_epoch: Callable[[Epoch], None] | None = None
    on_step: Callable[[int, int], None] | None = None

    def end_epoch(self, model: nn.Module, epoch: Epoch, *, is_last: bool) -> Epoch:
        """Measures and records, and returns the epoch with what was measured."""
        if is_last:
            return epoch
        if self.validate:
            measured = self.validate(model)
            epoch = replace(epoch, val_loss=measured.loss, val_accuracy=measured.accuracy)
        if self.on_epoch:
            self.on_epoch(epoch)
        return epoch

    def end_step(self, step: int, steps: int) -> None:
        """Counts."""
        if self.on_step:
            self.on_step(step, steps)
