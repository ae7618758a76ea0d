"""A cheap search against an exhaustive one: steps, and the accuracy within budgets of memory.

python benchmarks/frontiers.py [--runs runs/cheap] [-o FILE]     writes results/cheap/frontiers.csv

RUNS holds a run folder (or its table) for each of NETWORKS and each way to search it, NETWORK_exhaustive and
NETWORK_cheap, over several seeds. Within each budget of memory that all of them reach, every seed's network is the best
on validation among those that fit; its test accuracy counts. The spread is that of the exhaustive search over its
seeds, greatest less least. Steps are those of the optimizer behind the dense base, a seed.
"""

import argparse
from pathlib import Path

import pandas as pd
from environment import write

from sparsecnn.errors import OutOfReachError
from sparsecnn.frontier import best_within
from sparsecnn.results import read_runs

NETWORKS = ("cifar10", "resnet20")
BUDGETS = ("1/3", "1/4", "1/6", "1/8", "1/10", "1/12", "1/16", "1/20")


def steps(table: pd.DataFrame) -> float:
    """Of a seed, on average."""
    searched = table[table["phase"] != "base"]
    return float(searched["steps"].sum()) / table["seed"].nunique()


def row(budget: str, exhaustive: pd.DataFrame, cheap: pd.DataFrame) -> dict[str, object]:
    """The accuracies within one budget, in percent on the test split; OutOfReachError when a seed has no network."""
    full, less = (best_within(table, budget)["test_accuracy"] for table in (exhaustive, cheap))
    spread = full.max() - full.min()
    return {
        "within": budget,
        "exhaustive_mean": full.mean(),
        "exhaustive_least": full.min(),
        "exhaustive_greatest": full.max(),
        "cheap_mean": less.mean(),
        "cheap_least": less.min(),
        "cheap_greatest": less.max(),
        "is_within_spread": less.mean() >= full.mean() - spread,
    }


def compared(network: str, exhaustive: pd.DataFrame, cheap: pd.DataFrame) -> pd.DataFrame:
    """A row a budget."""
    rows = []
    for budget in BUDGETS:
        try:
            rows.append(row(budget, exhaustive, cheap))
        except OutOfReachError:
            continue
    table = pd.DataFrame(rows).assign(
        exhaustive_steps=steps(exhaustive),
        cheap_steps=steps(cheap),
        share_of_steps=steps(cheap) / steps(exhaustive),
        seeds=exhaustive["seed"].nunique(),
    )
    table.insert(0, "network", network)
    return table


def main() -> None:
    """Compares the two searches of every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/cheap"))
    parser.add_argument("-o", "--output", type=Path, default=Path("results/cheap/frontiers.csv"))
    arguments = parser.parse_args()
    tables = []
    for network in NETWORKS:
        ways = (read_runs([arguments.runs / f"{network}_{way}"]) for way in ("exhaustive", "cheap"))
        tables.append(compared(network, *ways))
        print(tables[-1].to_string(index=False), flush=True)
    write(pd.concat(tables), arguments.output)


if __name__ == "__main__":
    main()
