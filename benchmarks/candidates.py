"""Candidates an hour of a round, against the loop that a user would write (users_loop.py).

python benchmarks/candidates.py --cifar FOLDER --mnist FOLDER [--rounds 5] [-o results/bench/candidates.csv]

A candidate is one of a search, retrained and measured on validation and test, at the same density in every layer. A
round is one candidate a layer; with two seeds, two rounds side by side, as a search over two seeds has them. Workers
have begun before the clock does. Each repetition times one candidate of the user's loop, then every way once.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from environment import write
from torch import nn
from torchvision import transforms
from users_loop import Seconds, UsersLoop, elsewhere

from sparsecnn.allocation import uniform
from sparsecnn.budgets import Budgets
from sparsecnn.config import build, compose
from sparsecnn.data import ResidentSplit
from sparsecnn.executors import Local, Pool, Serial
from sparsecnn.experiments.greedy_search import GreedySearch
from sparsecnn.experiments.tasks import Bundle, Task
from sparsecnn.experiments.work import Preparation
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import prunable_weights
from sparsecnn.regularizers import Regularizer, fixed_support, l0_projection

EXPERIMENTS = {"cifar10_quick": "cifar10_frontier", "lenet": "mnist_frontier"}
RANDOM: Mapping[str, tuple[nn.Module, ...]] = {
    "cifar10_quick": (transforms.RandomHorizontalFlip(),),
    "lenet": (transforms.RandomCrop(28, padding=2),),
}
DENSITY = 0.1
# Share of the steps that are projected before the support is fixed.
PROJECTED = 0.1


@dataclass(frozen=True)
class Way:
    """One way to train candidates: in how many processes, the rounds of how many seeds at once, under what."""

    processes: int
    seeds: int
    regularizer: Callable[[Budgets], Regularizer] = l0_projection


WAYS = {
    "one after another": Way(1, 1),
    "2 processes": Way(2, 1),
    "2 processes, 2 seeds": Way(2, 2),
    "2 processes, 2 seeds, fixed support": Way(2, 2, partial(fixed_support, projected=PROJECTED)),
}


def resident(split: object) -> ResidentSplit:
    """`split`, which lies in memory."""
    assert isinstance(split, ResidentSplit)
    return split


class Bench:
    """One network and its images."""

    def __init__(self, network: str, folder: Path) -> None:
        data = ["data=parquet", f"data.folder={folder}", "threads=1", "device=cpu"]
        search = build(compose("greedy_search", [f"experiment={EXPERIMENTS[network]}", *data]).nodes)
        assert isinstance(search, GreedySearch)
        self.network, self.search = network, search
        self.bench: Workbench = Workbench.of(search.parts)
        self.layers = len(self.bench.layer_sizes)
        self.budgets = uniform(prunable_weights(self.bench.fresh_model(0)), self.bench.layer_sizes, density=DENSITY)

    def users_loop(self) -> UsersLoop:
        """The loop over the same images, by the same recipe."""
        bench = self.bench
        train, validation, test = map(resident, (bench.trainer.split, bench.validation, bench.test))
        plain = replace(self.search.retrain, augment=None)
        return UsersLoop(train, validation, test, bench.trainer.preprocess, RANDOM[self.network], plain)

    def user_seconds(self, loop: Seconds) -> float:
        """Of one candidate in the user's loop, on all cores."""
        return loop(self.bench.fresh_model(0).to(memory_format=torch.contiguous_format), self.budgets)

    def bundles(self, way: Way) -> list[Bundle]:
        """A round for every seed, one task a bundle."""
        tasks = (
            Task(
                key=str(number),
                title=f"candidate {number}",
                start=number,
                seed=number,
                solver=self.search.retrain,
                regularizer=way.regularizer(self.budgets),
                bound=l0_projection(self.budgets),
                stop=None,
                images=None,
                snapshots=Path("no folder") / "no file",
            )
            for number in range(self.layers * way.seeds)
        )
        return [Bundle((task,)) for task in tasks]

    def seconds(self, way: Way, pool: Pool) -> float:
        """A candidate of a round, on average."""
        bundles = self.bundles(way)
        started = time.perf_counter()
        done = dict(pool.results(bundles))
        seconds = time.perf_counter() - started
        assert all(result.columns["status"] == "ok" for results in done.values() for result in results)
        return seconds / len(bundles)


def measured(network: str, folder: Path, rounds: int) -> pd.DataFrame:
    """A row a way and repetition; `ratio` is the seconds of the user's loop over those of the way."""
    bench, rows = Bench(network, folder), []
    prepare = Preparation(bench.search.parts, bench.bench)
    loop = bench.users_loop()
    with Local(2).start(prepare) as crew, Serial().start(prepare) as here, elsewhere(loop) as users:
        list(crew.results(bench.bundles(WAYS["2 processes"])[:2]))  # so that the processes have begun
        for repetition in range(rounds):
            user = bench.user_seconds(users)
            times = {name: bench.seconds(way, crew if way.processes > 1 else here) for name, way in WAYS.items()}
            for name, seconds in {"user's loop": user, **times}.items():
                rows.append({"network": network, "way": name, "repetition": repetition, "candidate_seconds": seconds})
                rows[-1]["ratio"] = user / seconds
            print(pd.DataFrame(rows[-len(times) - 1 :]).to_string(index=False), flush=True)
    return pd.DataFrame(rows)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians and quartiles over the repetitions."""
    groups = rows.groupby(["network", "way"], sort=False)
    ratios = groups["ratio"]
    return pd.DataFrame(
        {
            "candidate_seconds": groups["candidate_seconds"].median(),
            "candidates_an_hour": 3600 / groups["candidate_seconds"].median(),
            "ratio_median": ratios.median(),
            "ratio_lower_quartile": ratios.quantile(0.25),
            "ratio_upper_quartile": ratios.quantile(0.75),
            "repetitions": groups.size(),
        }
    ).reset_index()


def main() -> None:
    """Measures the networks whose images are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/bench/candidates.csv"))
    arguments = parser.parse_args()
    folders = {"cifar10_quick": arguments.cifar, "lenet": arguments.mnist}
    rows = [measured(name, folder, arguments.rounds) for name, folder in folders.items() if folder]
    write(summary(pd.concat(rows)), arguments.output)


if __name__ == "__main__":
    main()
