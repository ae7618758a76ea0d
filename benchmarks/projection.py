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
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from sparsecnn.allocation import uniform
from sparsecnn.models import ResNet, caffenet, cifar10_quick, lenet, prunable_weights
from sparsecnn.regularizers import Regularizer, l0_projection
from sparsecnn.training import place

BATCH_SIZE = 128
STEPS = 6
DENSITIES = (0.5, 0.1, 0.01)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "cifar10_quick": (cifar10_quick, (3, 32, 32)),
    "lenet": (lenet, (1, 28, 28)),
    "resnet20": (lambda: ResNet(20), (3, 32, 32)),
    "caffenet": (caffenet, (3, 227, 227)),
}
KERNELS = {"C": {}, "NumPy": {"SPARSECNN_CC": ""}}


class Stepper:
    """One network in training; a step is forward, backward, SGD with momentum, regularizer."""

    def __init__(self, model: nn.Module, regularizer: Regularizer, shape: tuple[int, int, int]) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self.regularizer = regularizer
        self.weights = prunable_weights(model)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
        images = torch.randn(BATCH_SIZE, *shape)
        self.images = images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(10, (BATCH_SIZE,))
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
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    model = build()
    budgets = uniform(prunable_weights(model), density=density)
    stepper = Stepper(model, l0_projection(budgets), shape)
    stepper.seconds(2)
    times = pd.DataFrame([stepper.seconds(STEPS) for _ in range(rounds)])
    ratios = 1.0 + times[1] / times[0]
    return {
        "network": name,
        "density": density,
        "step_ms": 1e3 * times[0].median(),
        "projection_ms": 1e3 * times[1].median(),
        "ratio_median": ratios.median(),
        "ratio_lower_quartile": ratios.quantile(0.25),
        "ratio_upper_quartile": ratios.quantile(0.75),
        "rounds": rounds,
        "torch": torch.__version__,
    }


def main() -> None:
    """Measures every network at every density, in a new process for each network and kind of kernels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--network", choices=NETWORKS, help="this one alone, in this process, printed as CSV")
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
        for name in NETWORKS:
            command = [sys.executable, __file__, "--network", name, "--rounds", str(arguments.rounds)]
            done = subprocess.run(
                command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True
            )
            tables.append(pd.read_csv(StringIO(done.stdout)))
            tables[-1].insert(2, "kernels", kernels)
            print(tables[-1].to_string(index=False), flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(tables).to_csv(arguments.output, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
