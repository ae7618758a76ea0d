"""The tables of docs/paper.md that no figure holds, from the kept tables of runs.

python benchmarks/paper_tables.py     reads and writes results/

figure_1.csv: accuracy within budgets of memory. Within each budget every seed's network is the best on validation among
the kept ones that fit. Budgets are shares of the dense memory; 1 is the dense base, `longer` a dense network that was
trained about as long as the smallest ones in all, or longer. cifar10/figure_2_networks.csv and
cifar10/figure_3_networks.csv: the finished networks of both figures, for Figure 2 with the number of filters of conv1
that are not all zero. Test accuracy in percent; mean and sample standard deviation over seeds.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sparsecnn.errors import OutOfReachError
from sparsecnn.frontier import best_within
from sparsecnn.plots.means import means
from sparsecnn.results import read_runs

RESULTS = Path("results")
SEARCHES = {
    "lenet": RESULTS / "mnist" / "frontier",
    "cifar10_quick": RESULTS / "cifar10" / "frontier",
    "cifar10_full": RESULTS / "networks" / "cifar10_full",
    "resnet20": RESULTS / "cheap" / "resnet20_cheap",
    "alexnet": RESULTS / "alexnet" / "frontier",
}
# Where the dense base of a search was trained, if not there.
BASES = {"resnet20": RESULTS / "cheap" / "resnet20_exhaustive"}
LONGER = {"lenet": RESULTS / "mnist" / "longer", "cifar10_quick": RESULTS / "cifar10" / "longer"}
BUDGETS = ("1/4", "1/8", "1/10", "1/20")
FILTERS = RESULTS / "cifar10" / "filters"
CONVERGENCE = RESULTS / "cifar10" / "convergence"
TRAININGS = ("figure_3", "figure_3_l1", "figure_3_l0", "figure_3_l0_tenth")


def within_budgets() -> Iterator[pd.DataFrame]:
    """The networks of each search and budget, one a seed, with the epochs in all; a budget not reached is left out."""
    for network, run in SEARCHES.items():
        table = read_runs([run]).drop_duplicates("key").set_index("key", drop=False)
        base = read_runs([BASES.get(network, run)]).query("phase == 'base'")
        yield base.assign(network=network, within="1")
        if network in LONGER:
            yield read_runs([LONGER[network]]).assign(network=network, within="longer")
        behind = epochs_behind_base(table)
        for within in BUDGETS:
            try:
                best = table.loc[best_within(table, within)["key"]]
            except OutOfReachError:
                continue
            yield best.assign(network=network, within=within, epochs=base["epochs"].mean() + behind[best.index])


def epochs_behind_base(table: pd.DataFrame) -> "pd.Series[float]":
    """How long each network and those that it comes from were trained behind the dense base, by key, the index."""
    behind: dict[str, float] = {}
    for key, row in table.iterrows():  # a parent stands before its children
        behind[str(key)] = 0.0 if row["phase"] == "base" else row["epochs"] + behind[row["parent"]]
    return pd.Series(behind)


def filters_left() -> pd.DataFrame:
    """The networks of Figure 2 by the run of their training; `filters`: those left of each seed, in their order."""
    networks = read_runs([FILTERS / "table.csv"])
    alive = pd.read_csv(FILTERS / "strengths.csv").groupby("run")["alive"].sum()
    panels = networks["run"].str.replace("l1_", "strength ") + ", seed " + networks["seed"].astype(str)
    filters = panels.map(lambda panel: str(alive.get(panel, ""))).groupby(networks["run"]).agg(" ".join).str.strip()
    density = networks["layer_nonzeros"].map(_of_conv1) / networks["layer_weights"].map(_of_conv1)
    return networks.assign(training=networks["run"], filters=networks["run"].map(filters), conv1_density=density)


def _of_conv1(layers: str) -> int:
    return int(json.loads(layers)["conv1"])


def converged() -> pd.DataFrame:
    """The networks of Figure 3 by their training."""
    found = pd.concat([read_runs([CONVERGENCE / training]).assign(training=training) for training in TRAININGS])
    return found.assign(density=found["nonzeros"] / found["weights"])


def main() -> None:
    """Writes the tables."""
    searched = pd.concat(within_budgets()).reset_index(drop=True)
    accuracies = ["test_accuracy", "test_top5_accuracy"]
    tables = {
        RESULTS / "figure_1.csv": means(searched, ["network", "within"], [*accuracies, "epochs"]),
        RESULTS / "cifar10" / "figure_2_networks.csv": means(
            filters_left(), ["training", "filters"], ["conv1_density", "test_accuracy"]
        ),
        RESULTS / "cifar10" / "figure_3_networks.csv": means(converged(), ["training"], ["density", "test_accuracy"]),
    }
    for path, table in tables.items():
        rounded = table.round(9)  # equal values have no deviation; floats leave one of 1e-17
        print(rounded.to_string(index=False))
        rounded.to_csv(path, index=False, float_format="%.7g")


if __name__ == "__main__":
    main()
