"""How much faster a training step is when layers compute on their fixed support alone.

python benchmarks/fixed_support.py [--rounds 11] [-o FILE]     writes results/bench/fixed_support.csv

One CPU thread, batch 128, random data, the same density in every layer. A step is forward, cross-entropy, backward, SGD
with Nesterov's momentum and weight decay, and the mask; images and network are channels_last. Each round times STEPS
steps in torch and then STEPS steps of the same network with `on_support`, in CPU time of the thread, after one that is
not timed. Per network and density: the medians over rounds, and the median and quartiles of the rounds' ratios
torch / on_support.
"""

import argparse
import time
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import torch
from environment import spread, write
from networks import BATCH_SIZE, NETWORKS
from torch import Tensor, nn

from sparsecnn.allocation import uniform
from sparsecnn.layers.support import on_support
from sparsecnn.models import prunable_weights, weight_counts
from sparsecnn.operators import project_l0
from sparsecnn.training import place

STEPS = 3
DENSITIES = (0.5, 0.2, 0.1, 0.05)


class Stepper:
    """One network in training, its support fixed to the largest weights of each layer."""

    def __init__(self, model: nn.Module, density: float, batch: tuple[Tensor, Tensor]) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        self.weights = prunable_weights(model)
        self.masks: dict[str, Tensor] = {}
        with torch.no_grad():
            for name, budget in uniform(self.weights, weight_counts(model), density=density).items():
                self.weights[name].copy_(project_l0(self.weights[name], budget))
                self.masks[name] = (self.weights[name] != 0).float()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=4e-3)
        self.images, self.labels = batch

    def step(self) -> None:
        """One step."""
        loss: Tensor = nn.functional.cross_entropy(self.model(self.images), self.labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.mul_(self.masks[name])

    def seconds(self, *, is_on_support: bool) -> float:
        """Seconds of CPU time of a step."""
        with on_support(self.model, self.masks) if is_on_support else nullcontext():
            self.step()
            started = time.thread_time()
            for _ in range(STEPS):
                self.step()
            return (time.thread_time() - started) / STEPS


def measure(name: str, density: float, rounds: int) -> dict[str, object]:
    """The row of one network and density."""
    network = NETWORKS[name]
    torch.manual_seed(0)
    stepper = Stepper(network.build(), density, network.batch())
    times = pd.DataFrame(
        [(stepper.seconds(is_on_support=False), stepper.seconds(is_on_support=True)) for _ in range(rounds)]
    )
    ratios = times[0] / times[1]
    return {
        "network": name,
        "density": density,
        "batch": BATCH_SIZE,
        "torch_step_ms": 1e3 * times[0].median(),
        "on_support_step_ms": 1e3 * times[1].median(),
        **spread(ratios),
        "rounds": rounds,
    }


def main() -> None:
    """Measures every network at every density."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/bench/fixed_support.csv"))
    arguments = parser.parse_args()
    place("cpu", threads=1)  # as a training would set the process up
    rows = []
    for name in NETWORKS:
        for density in DENSITIES:
            rows.append(measure(name, density, arguments.rounds))
            print(pd.DataFrame(rows[-1:]).to_string(index=False), flush=True)
    write(pd.DataFrame(rows), arguments.output)


if __name__ == "__main__":
    main()
