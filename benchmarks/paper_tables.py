"""The tables of docs/paper.md that no figure holds, from the kept tables of runs.

python benchmarks/paper_tables.py     reads and writes results/

figure_1.csv: accuracy within budgets of memory. Within each budget every seed's network is the best on validation among
the kept ones that fit. Budgets are shares of the dense memory; 1 is the dense base. cifar10/figure_2_networks.csv and
cifar10/figure_3_networks.csv: the finished networks of both figures, for Figure 2 with the number of filters of conv1
that are not all zero. Test accuracy in percent; mean and sample standard deviation over seeds.
"""

import json
from collections.abc import Iterator
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
    "alexnet": RESULTS / "alexnet" / "frontier",
}
# Where the dense base of a search was trained, if not there.
BASES = {"resnet20": RESULTS / "cheap" / "resnet20_exhaustive"}
BUDGETS = ("1/4", "1/8", "1/10", "1/20")
FILTERS = RESULTS / "cifar10" / "filters"
CONVERGENCE = RESULTS / "cifar10" / "convergence"
TRAININGS = ("figure_3", "figure_3_l1", "figure_3_l0", "figure_3_l0_tenth")


def means(**columns: "pd.Series[float]") -> dict[str, object]:
    """The seeds of some columns, and their means and deviations."""
    found: dict[str, object] = {"seeds": len(next(iter(columns.values())))}
    for name, values in columns.items():
        # Equal values have no deviation; floats leave one of 1e-17.
        found |= {name: values.mean(), f"{name}_deviation": round(values.std(), 9)}
    return found


def within_budgets() -> Iterator[dict[str, object]]:
    """A row for each network and budget; one that a seed does not reach is left out. `epochs` are those in all."""
    for network, run in SEARCHES.items():
        table = read_runs([run]).drop_duplicates("key").set_index("key", drop=False)
        base = read_runs([BASES.get(network, run)]).query("phase == 'base'")
        yield {"network": network, "within": "1", **accuracies(base), "epochs": base["epochs"].mean()}
        behind = epochs_behind_base(table)
        for within in BUDGETS:
            try:
                best = table.loc[best_within(table, within)["key"]]
            except OutOfReachError:
                continue
            epochs = base["epochs"].mean() + behind[best.index].mean()
            yield {"network": network, "within": within, **accuracies(best), "epochs": epochs}


def accuracies(rows: pd.DataFrame) -> dict[str, object]:
    """On test images; of five guesses where there are more than ten classes."""
    measured = rows.reindex(columns=["test_accuracy", "test_top5_accuracy"]).astype(float)
    return means(**{str(name): values for name, values in measured.items()})


def epochs_behind_base(table: pd.DataFrame) -> "pd.Series[float]":
    """How long each network and those that it comes from were trained behind the dense base, by key, the index."""
    behind: dict[str, float] = {}
    for key, row in table.iterrows():  # a parent stands before its children
        behind[str(key)] = 0.0 if row["phase"] == "base" else row["epochs"] + behind[row["parent"]]
    return pd.Series(behind)


def filters_left() -> Iterator[dict[str, object]]:
    """A row for weight decay and each strength of shrinkage in Figure 2; `filters`: those left, by seed."""
    alive = pd.read_csv(FILTERS / "strengths.csv").groupby("run")["alive"].sum()
    for run, networks in read_runs([FILTERS / "table.csv"]).groupby("run", sort=False):
        strength = str(run).removeprefix("l1_")
        filters = [str(alive.get(f"{strength}, seed {seed}", "")) for seed in networks["seed"]]
        density = networks["layer_nonzeros"].map(_of_conv1) / networks["layer_weights"].map(_of_conv1)
        found = means(conv1_density=density, test_accuracy=networks["test_accuracy"])
        yield {"training": run, "filters": " ".join(filters).strip(), **found}


def _of_conv1(layers: str) -> int:
    return int(json.loads(layers)["conv1"])


def converged() -> Iterator[dict[str, object]]:
    """A row for each way of training in Figure 3."""
    for training in TRAININGS:
        table = read_runs([CONVERGENCE / training])
        density = table["nonzeros"] / table["weights"]
        yield {"training": training, **means(density=density, test_accuracy=table["test_accuracy"])}


def main() -> None:
    """Writes the tables."""
    tables = {
        RESULTS / "figure_1.csv": pd.DataFrame(within_budgets()),
        RESULTS / "cifar10" / "figure_2_networks.csv": pd.DataFrame(filters_left()),
        RESULTS / "cifar10" / "figure_3_networks.csv": pd.DataFrame(converged()),
    }
    for path, table in tables.items():
        print(table.to_string(index=False))
        table.to_csv(path, index=False, float_format="%.7g")


if __name__ == "__main__":
    main()
