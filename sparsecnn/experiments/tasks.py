"""What is asked of a worker, and what comes back: values alone, so that they can be sent anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsecnn.models import WeightsFile
from sparsecnn.regularizers import Regularizer
from sparsecnn.solvers import Solver
from sparsecnn.training import Epoch


@dataclass(frozen=True)
class Task:
    """A network to be trained, told in values alone, so that it can be sent anywhere.

    `start` is a file of weights, or the seed of a fresh network. With no `solver` the network is measured as it is.
    `seed` fixes order, augmentation and dropout. `bound` settles the trained network before it is measured. With `stop`
    it is measured behind that step; its training can go on there. With `images` it is measured on so many of the
    validation images, and not on the test split. `snapshots` is the file that keeps a training which
    has not ended; where its folder is not to be found, nothing is kept.
    """

    key: str
    title: str
    start: WeightsFile | int
    seed: int
    solver: Solver | None
    regularizer: Regularizer
    bound: Regularizer | None
    stop: int | None
    images: int | None
    snapshots: Path

    def __str__(self) -> str:
        return self.title

    @property
    def is_early(self) -> bool:
        """Whether it is measured before the end of its training."""
        return self.stop is not None or self.images is not None


@dataclass(frozen=True)
class Bundle:
    """Tasks that go to one worker, which may do together those that only start elsewhere or are bound otherwise."""

    tasks: tuple[Task, ...]

    def __str__(self) -> str:
        return ", ".join(task.title for task in self.tasks)


@dataclass(frozen=True)
class Done:
    """What came of a task: the columns that were measured, all epochs, the file of weights.

    There is none of a network that failed, or was measured on some images only.
    """

    columns: Mapping[str, Any]
    epochs: tuple[Epoch, ...]
    weights: bytes | None
