"""A cheap search against an exhaustive one: steps, and the accuracy within budgets of memory.

python benchmarks/frontiers.py EXHAUSTIVE_RUN CHEAP_RUN [-o FILE]     writes results/bench/frontiers.csv

Both are run folders (or tables) over several seeds. Within each budget of memory, every seed's network is the best on
validation among those that fit; its test accuracy counts. The spread is that of the exhaustive search over its seeds,
greatest less least. Steps are those of the optimizer behind the dense base, a seed.
"""

import argparse
from pathlib import Path

import pandas as pd
from environment import write

from sparsecnn.frontier import best_within
from sparsecnn.results import read_runs

BUDGETS = ("1/4", "1/6", "1/8", "1/12", "1/16", "1/20")


def steps(table: pd.DataFrame) -> float:
    """Of a seed, on average."""
    searched = table[table["phase"] != "base"]
    return float(searched["steps"].sum()) / table["seed"].nunique()


def compared(exhaustive: pd.DataFrame, cheap: pd.DataFrame) -> pd.DataFrame:
    """A row a budget; accuracies in percent on the test split."""
    rows = []
    for budget in BUDGETS:
        full, less = (best_within(table, budget)["test_accuracy"] for table in (exhaustive, cheap))
        spread = full.max() - full.min()
        rows.append(
            {
                "within": budget,
                "exhaustive_mean": full.mean(),
                "exhaustive_least": full.min(),
                "exhaustive_greatest": full.max(),
                "cheap_mean": less.mean(),
                "cheap_least": less.min(),
                "cheap_greatest": less.max(),
                "is_within_spread": less.mean() >= full.mean() - spread,
            }
        )
    share = steps(cheap) / steps(exhaustive)
    return pd.DataFrame(rows).assign(
        exhaustive_steps=steps(exhaustive),
        cheap_steps=steps(cheap),
        share_of_steps=share,
        seeds=exhaustive["seed"].nunique(),
    )


def main() -> None:
    """Compares the two runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exhaustive", type=Path)
    parser.add_argument("cheap", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("results/bench/frontiers.csv"))
    arguments = parser.parse_args()
    table = compared(read_runs([arguments.exhaustive]), read_runs([arguments.cheap]))
    print(table.to_string(index=False))
    write(table, arguments.output)


if __name__ == "__main__":
    main()
