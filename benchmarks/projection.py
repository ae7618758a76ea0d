"""What the projection costs: a training step with it over the same step without it.

python benchmarks/projection.py [--rounds 15] [--network lenet]     writes results/bench/projection.csv

Once with the C kernels and once without, each network in a process of its own; CaffeNet at one density, in fewer
rounds. One CPU thread, batch 128, random data. Both parts of every step are timed where they run, in CPU time of the
thread: two networks trained side by side differ by more than the projection costs. Per network and density: the median
over rounds of (step + projection) / step, and its quartiles. A round is STEPS steps.
"""

import argparse
import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pandas as pd
import torch
from environment import spread, write
from networks import NETWORKS, Network
from torch import Tensor, nn

from sparsecnn.allocation import uniform
from sparsecnn.data import FlipAndCrop
from sparsecnn.models import caffenet, prunable_weights, weight_counts
from sparsecnn.regularizers import Regularizer, l0_projection
from sparsecnn.training import place

STEPS = 6
DENSITIES = (0.5, 0.1, 0.01)
TIMED = {**NETWORKS, "caffenet": Network(caffenet, (3, 227, 227), FlipAndCrop(pad=0, flip=True))}
KERNELS = {"C": {}, "NumPy": {"SPARSECNN_CC": ""}}


class Stepper:
    """One network in training; a step is forward, backward, SGD with momentum, regularizer."""

    def __init__(self, model: nn.Module, regularizer: Regularizer, batch: tuple[Tensor, Tensor]) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self.regularizer = regularizer
        self.weights = prunable_weights(model)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
        self.images, self.labels = batch
        regularizer.begin_(self.weights, step=0, steps=STEPS)

    def seconds(self, steps: int) -> tuple[float, float]:
        """Seconds of CPU time of a step without its projection, and of the projection."""
        step_seconds = projection_seconds = 0.0
        for step in range(steps):
            started = time.thread_time()
            loss: Tensor = nn.functional.cross_entropy(self.model(self.images), self.labels)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            stepped = time.thread_time()
            self.regularizer.apply_(self.weights, step=step + 1, steps=steps, lr=0.01)
            projection_seconds += time.thread_time() - stepped
            step_seconds += stepped - started
        return step_seconds / steps, projection_seconds / steps


def measure(name: str, density: float, rounds: int) -> dict[str, object]:
    """The row of one network and density."""
    network = TIMED[name]
    torch.manual_seed(0)
    model = network.build()
    budgets = uniform(prunable_weights(model), weight_counts(model), density=density)
    stepper = Stepper(model, l0_projection(budgets), network.batch())
    stepper.seconds(2)
    times = pd.DataFrame([stepper.seconds(STEPS) for _ in range(rounds)])
    ratios = 1.0 + times[1] / times[0]
    return {
        "network": name,
        "density": density,
        "step_ms": 1e3 * times[0].median(),
        "projection_ms": 1e3 * times[1].median(),
        **spread(ratios),
        "rounds": rounds,
    }


def main() -> None:
    """Measures every network at every density, in a new process for each network and kind of kernels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--network", choices=TIMED, help="this one alone, in this process, printed as CSV")
    parser.add_argument("--output", type=Path, default=Path("results/bench/projection.csv"))
    arguments = parser.parse_args()
    place("cpu", threads=1)  # as a training would set the process up
    if arguments.network:
        is_large = arguments.network == "caffenet"
        densities, rounds = ((0.1,), min(arguments.rounds, 3)) if is_large else (DENSITIES, arguments.rounds)
        print(pd.DataFrame([measure(arguments.network, d, rounds) for d in densities]).to_csv(index=False))
        return
    tables = []
    for kernels, environment in KERNELS.items():
        for name in TIMED:
            command = [sys.executable, __file__, "--network", name, "--rounds", str(arguments.rounds)]
            done = subprocess.run(
                command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True
            )
            tables.append(pd.read_csv(StringIO(done.stdout)))
            tables[-1].insert(2, "kernels", kernels)
            print(tables[-1].to_string(index=False), flush=True)
    write(pd.concat(tables), arguments.output)


if __name__ == "__main__":
    main()
