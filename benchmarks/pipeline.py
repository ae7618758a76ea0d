"""What it costs a training step to take new images, cut and mirrored, instead of the same tensor again and again.

python benchmarks/pipeline.py [--rounds 21] [-o FILE]     writes results/bench/pipeline.csv

One CPU thread, batch 128, 10,000 images of noise in memory. Each round times STEPS steps on one tensor, then STEPS
steps on what the training loop would give them, in CPU time of the thread. `ratio` is the second over the first: its
median and quartiles over the rounds.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pandas as pd
import torch
from environment import spread, write
from networks import BATCH_SIZE, NETWORKS
from torch import Tensor, nn

from sparsecnn.data import Preprocessing, ResidentSplit, standardize
from sparsecnn.solvers import Solver, fixed
from sparsecnn.training import place
from sparsecnn.training.batches import epoch_batches

IMAGES, STEPS = 10_000, 6
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
    network = NETWORKS[name]
    torch.manual_seed(0)
    channels, *size = network.shape
    split = ResidentSplit(
        torch.randint(0, 256, (IMAGES, *size, channels), dtype=torch.uint8), torch.randint(10, (IMAGES,))
    )
    preprocess, generator = standardize(split), torch.Generator().manual_seed(0)
    solver = replace(plain_solver(), augment=network.augment)
    fresh: Batches = chain.from_iterable(epoch_batches(split, solver, generator) for _ in repeat(None))
    images, labels = next(fresh)
    same: Batches = repeat((preprocess(images), labels))
    stepper = Stepper(network.build())
    stepper.seconds(same, None)
    times = pd.DataFrame([(stepper.seconds(same, None), stepper.seconds(fresh, preprocess)) for _ in range(rounds)])
    ratios = times[1] / times[0]
    return {
        "network": name,
        "batch": BATCH_SIZE,
        "step_ms": 1e3 * times[0].median(),
        **spread(ratios),
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
