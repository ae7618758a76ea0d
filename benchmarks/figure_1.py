"""The table beside Figure 1: accuracy within budgets of memory, over seeds, from the kept tables of searches.

python benchmarks/figure_1.py     reads and writes results/

Within each budget every seed's network is the best on validation among those that fit; its test accuracy counts, in
percent, as mean and sample standard deviation. Budgets are shares of the dense memory; 1 is the dense base.
"""

from pathlib import Path

import pandas as pd

from sparsecnn.errors import OutOfReachError
from sparsecnn.frontier import best_within
from sparsecnn.results import read_runs

RESULTS = Path("results")
SEARCHES = {
    "lenet": RESULTS / "mnist" / "frontier",
    "cifar10_quick": RESULTS / "cifar10" / "frontier",
    "resnet20": RESULTS / "cheap" / "resnet20_cheap",
}
BUDGETS = ("1/4", "1/8", "1/10", "1/20")


def row(network: str, within: str, accuracies: pd.Series) -> dict[str, object]:
    """Mean and deviation over seeds."""
    return {
        "network": network,
        "within": within,
        "seeds": len(accuracies),
        "test_accuracy": accuracies.mean(),
        "test_accuracy_deviation": accuracies.std(),
    }


def main() -> None:
    """Tells of every network and budget; one that a seed does not reach is left out."""
    rows = []
    for network, run in SEARCHES.items():
        table = read_runs([run])
        rows.append(row(network, "1", table.loc[table["phase"] == "base", "test_accuracy"]))
        for within in BUDGETS:
            try:
                rows.append(row(network, within, best_within(table, within)["test_accuracy"]))
            except OutOfReachError:
                continue
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    table.to_csv(RESULTS / "figure_1.csv", index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
