"""Cheaper searches against exhaustive ones: steps, and the accuracy within budgets of memory.

python benchmarks/frontiers.py [--runs runs/cheap] [-o FILE]     writes results/cheap/frontiers.csv

RUNS holds a run folder (or its table) for each network and way to search it, NETWORK_WAY, over several seeds. Within
each budget of memory that both searches reach, every seed's network is the best on validation among those that fit; its
test accuracy counts, in percent. Once these are chosen `among` the networks that a search keeps, as `sparsecnn best`
does, and once among all that it trained to the end, as `sparsecnn plot-frontier` does. The spread is that of the
exhaustive search over its seeds, greatest less least. Steps are those of the optimizer behind the dense base, a seed.
"""

import argparse
from itertools import product
from pathlib import Path

import pandas as pd
from environment import write

from sparsecnn.errors import OutOfReachError
from sparsecnn.frontier import best_within
from sparsecnn.results import read_runs

# Beside the way "exhaustive".
WAYS = {
    "cifar10": ("cheap", "lamp", "knapsack", "screening", "halving", "fixed_support"),
    "resnet20": ("cheap",),
}
BUDGETS = ("1/2", "1/3", "1/4", "1/6", "1/8", "1/10", "1/12", "1/16", "1/20")


def steps(table: pd.DataFrame) -> float:
    """Of a seed, on average."""
    searched = table[table["phase"] != "base"]
    return float(searched["steps"].sum()) / table["seed"].nunique()


def as_kept(table: pd.DataFrame) -> pd.DataFrame:
    """The rows as if every network were kept."""
    return table.assign(accepted=True)


def row(budget: str, exhaustive: pd.DataFrame, other: pd.DataFrame) -> dict[str, object]:
    """The accuracies within one budget; OutOfReachError when a seed has no network."""
    full, less = (best_within(table, budget)["test_accuracy"] for table in (exhaustive, other))
    spread = full.max() - full.min()
    return {
        "within": budget,
        "exhaustive_mean": full.mean(),
        "exhaustive_least": full.min(),
        "exhaustive_greatest": full.max(),
        "exhaustive_spread": spread,
        "mean": less.mean(),
        "least": less.min(),
        "greatest": less.max(),
        "difference": less.mean() - full.mean(),
        "is_within_spread": less.mean() >= full.mean() - spread,
    }


def compared(network: str, way: str, exhaustive: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """A row for each set of networks that are chosen among, and each budget."""
    rows = []
    for among, budget in product(("kept", "all"), BUDGETS):
        searches = (exhaustive, other) if among == "kept" else (as_kept(exhaustive), as_kept(other))
        try:
            rows.append({"among": among, **row(budget, *searches)})
        except OutOfReachError:
            continue
    table = pd.DataFrame(rows).assign(
        exhaustive_steps=steps(exhaustive),
        steps=steps(other),
        share_of_steps=steps(other) / steps(exhaustive),
        exhaustive_seeds=exhaustive["seed"].nunique(),
        seeds=other["seed"].nunique(),
    )
    table.insert(0, "network", network)
    table.insert(1, "way", way)
    return table


def main() -> None:
    """Compares all searches of every network with its exhaustive one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/cheap"))
    parser.add_argument("-o", "--output", type=Path, default=Path("results/cheap/frontiers.csv"))
    arguments = parser.parse_args()
    tables = []
    for network, ways in WAYS.items():
        exhaustive = read_runs([arguments.runs / f"{network}_exhaustive"])
        for way in ways:
            tables.append(compared(network, way, exhaustive, read_runs([arguments.runs / f"{network}_{way}"])))
            print(tables[-1].to_string(index=False), flush=True)
    write(pd.concat(tables), arguments.output)


if __name__ == "__main__":
    main()
