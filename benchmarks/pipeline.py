"""What it costs a training step to take new images, cut and mirrored, instead of the same tensor again and again.

python benchmarks/pipeline.py [--rounds 21] [-o FILE]     writes results/bench/pipeline.csv

One CPU thread, batch 128, 10,000 images of noise in memory. Each round times STEPS steps on one tensor, then STEPS
steps on what the training loop would give them, in CPU time of the thread. `ratio` is the second over the first: its
median and quartiles over the rounds.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import pandas as pd
import torch
from environment import write
from torch import Tensor, nn

from sparsecnn.data import FlipAndCrop, Preprocessing, ResidentSplit, standardize
from sparsecnn.models import ResNet, cifar10_quick, lenet
from sparsecnn.solvers import Augment, Solver, fixed
from sparsecnn.training import place
from sparsecnn.training.batches import epoch_batches

BATCH_SIZE, IMAGES, STEPS = 128, 10_000, 6
Shape = tuple[int, int, int]
# As the experiments of conf/ have them.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Shape, Augment]] = {
    "lenet": (lenet, (28, 28, 1), FlipAndCrop(pad=2, flip=False)),
    "cifar10_quick": (cifar10_quick, (32, 32, 3), FlipAndCrop(pad=0, flip=True)),
    "resnet20": (partial(ResNet, 20), (32, 32, 3), FlipAndCrop(pad=4, flip=True)),
}
Batches = Iterator[tuple[Tensor, Tensor]]


class Stepper:
    """One network in training."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def seconds(self, batches: Batches, preprocess: Preprocessing | None) -> float:
        """Seconds of CPU time of a step, the taking of its batch included."""
        started = time.thread_time()
        for _ in range(STEPS):
            images, labels = next(batches)
            scores = self.model(images if preprocess is None else preprocess(images))
            self.optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(scores, labels).backward()
            self.optimizer.step()
        return (time.thread_time() - started) / STEPS


def measured(name: str, rounds: int) -> dict[str, object]:
    """The row of one network."""
    build, shape, augment = NETWORKS[name]
    torch.manual_seed(0)
    split = ResidentSplit(torch.randint(0, 256, (IMAGES, *shape), dtype=torch.uint8), torch.randint(10, (IMAGES,)))
    preprocess, generator = standardize(split), torch.Generator().manual_seed(0)
    solver = replace(plain_solver(), augment=augment)
    fresh: Batches = chain.from_iterable(epoch_batches(split, solver, generator) for _ in repeat(None))
    images, labels = next(fresh)
    same: Batches = repeat((preprocess(images), labels))
    stepper = Stepper(build())
    stepper.seconds(same, None)
    times = pd.DataFrame([(stepper.seconds(same, None), stepper.seconds(fresh, preprocess)) for _ in range(rounds)])
    ratios = times[1] / times[0]
    return {
        "network": name,
        "batch": BATCH_SIZE,
        "step_ms": 1e3 * times[0].median(),
        "ratio_median": ratios.median(),
        "ratio_lower_quartile": ratios.quantile(0.25),
        "ratio_upper_quartile": ratios.quantile(0.75),
        "rounds": rounds,
    }


def plain_solver() -> Solver:
    """Any; only its batch size and augmentation are used."""
    return Solver(torch.optim.SGD, learning_rate=1e-3, schedule=fixed, batch_size=BATCH_SIZE, epochs=1)


def main() -> None:
    """Measures every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/bench/pipeline.csv"))
    arguments = parser.parse_args()
    place("cpu", threads=1)
    rows = pd.DataFrame([measured(name, arguments.rounds) for name in NETWORKS])
    print(rows.to_string(index=False))
    write(rows, arguments.output)


if __name__ == "__main__":
    main()
