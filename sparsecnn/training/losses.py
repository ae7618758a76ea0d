"""The training loss by steps: summed on the device, read once an epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class StepLoss:
    """The mean training loss in nats over the images of the steps up to number `step` that none before it has."""

    step: int
    train_loss: float


class LossWindows:
    """Sums of the loss over windows of `every` steps each, of one network or, one sum each, of several.

    Windows are counted from the first step of the training, so one may lie across the end of an epoch; the last one of
    a training may be short. Nothing is read from the device before `take_`.
    """

    def __init__(self, every: int, networks: int = 1) -> None:
        self.every, self.networks = every, networks
        self.sums: list[Tensor] = []
        self.images: list[int] = []
        self.ends: list[int] = []

    def add(self, loss: Tensor, images: int, step: int) -> None:
        """Takes in step number `step` (from 1): the mean loss over so many images, of each network."""
        total = loss.detach().float() * images
        if self.ends and self.ends[-1] % self.every:
            self.sums[-1] += total
            self.images[-1] += images
            self.ends[-1] = step
        else:
            self.sums.append(total)
            self.images.append(images)
            self.ends.append(step)

    def add_up_(self) -> None:
        """Makes the sums those of all processes that train a network together, as a share for each.

        With shares a window that is still open can be added to by every process, and be added up again.
        """
        for total in self.sums:
            dist.all_reduce(total)
            total /= dist.get_world_size()

    def take_(self, *, is_last: bool) -> list[tuple[StepLoss, ...]]:
        """The windows that are closed, for each network; they are forgotten here. At the end all are closed."""
        closed = len(self.ends)
        if closed and self.ends[-1] % self.every and not is_last:
            closed -= 1
        if not closed:
            return [()] * self.networks
        sums = torch.stack(self.sums[:closed]).view(closed, self.networks).tolist()  # the only wait for the device
        rows = [
            [StepLoss(end, total / images) for total in totals]
            for end, images, totals in zip(self.ends, self.images, sums, strict=False)
        ]
        self.sums, self.images, self.ends = self.sums[closed:], self.images[closed:], self.ends[closed:]
        return list(zip(*rows, strict=True))

    def state(self) -> dict[str, Any]:
        """All that it holds, to be kept."""
        return {"sums": list(self.sums), "images": list(self.images), "ends": list(self.ends)}

    def restore_(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Goes on from `state()`, on `device`."""
        self.sums = [total.to(device) for total in state["sums"]]
        self.images, self.ends = list(state["images"]), list(state["ends"])
