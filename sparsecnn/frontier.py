"""The frontier: the candidates of a table that no other beats in both accuracy and memory."""

from collections.abc import Sequence

import pandas as pd

from sparsecnn.errors import OutOfReachError
from sparsecnn.sizes import to_bytes

SAME_MEMORY = 1.005
FRONTIER_COLUMNS = [
    "run",
    "seed",
    "memory_bytes",
    "memory_share",
    "compression",
    "density",
    "nonzeros",
    "val_accuracy",
    "test_accuracy",
    "test_points_lost",
    "round",
    "weights_kept",
    "key",
]


def require_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """ValueError that names the `columns` which `table` lacks."""
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(f"the table must have the column(s) {', '.join(missing)}")


def finished(table: pd.DataFrame) -> pd.DataFrame:
    """The rows whose training ended and was evaluated, in the order of the table."""
    require_columns(table, ["status"])
    return table[table["status"] == "ok"]


def whole_networks(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that stand for themselves; those of unfinished ensembles where there are no others."""
    whole = table[table["phase"] != "member"]
    return table if whole.empty else whole


def are_kept(rows: pd.DataFrame) -> pd.Series:
    """For each row whether its weights are kept: a search's incumbents, and all of `train` and `ensemble`."""
    return rows["accepted"].eq(True) | rows["phase"].isin(["train", "ensemble"])


def pareto(table: pd.DataFrame, accuracy: str = "val_accuracy") -> pd.DataFrame:
    """The finished rows that no other beats in both `accuracy` and memory, smallest memory first.

    Of rows with equal accuracy the smallest stays; of rows equal in both one whose weights are kept,
    else the first. Rows without an accuracy never take part, so a table without a validation split
    has an empty frontier, nor do networks that are part of an ensemble. Choose on validation accuracy;
    another column is for describing a split, never for choosing on it.
    """
    require_columns(table, ["memory_bytes", "accepted", "phase", accuracy])
    rows = finished(table)
    rows = rows[rows[accuracy].notna() & rows["memory_bytes"].notna() & rows["phase"].ne("member")]
    # Store columns that are mostly NULL are read as objects, which sort but cannot be accumulated.
    rows = rows.astype({accuracy: float, "memory_bytes": float})
    order = pd.DataFrame({"memory": rows["memory_bytes"], "accuracy": -rows[accuracy], "dropped": ~are_kept(rows)})
    rows = rows.loc[order.sort_values(["memory", "accuracy", "dropped"], kind="stable").index]
    best_of_smaller = rows[accuracy].cummax().shift(fill_value=float("-inf"))
    return rows[rows[accuracy] > best_of_smaller].astype({"memory_bytes": int})


def spaced(frontier: pd.DataFrame) -> pd.DataFrame:
    """Of networks of a frontier (`pareto`) whose memories differ by a factor of SAME_MEMORY or less, the most accurate.

    In a figure, a fall to one that is some bytes smaller would look like the end of the frontier.
    """
    following = frontier["memory_bytes"].astype(float).shift(-1)  # nothing behind the last one
    return frontier[~(following <= SAME_MEMORY * frontier["memory_bytes"])]


def frontier_table(table: pd.DataFrame) -> pd.DataFrame:
    """The frontier of each run and seed of `table` as users read it, smallest memory first.

    `memory_share` and `density` are in [0, 1], `compression` is dense bytes over bytes, and
    `test_points_lost` is the test accuracy of the finished base row of the same run and seed minus
    that of the row, in percentage points (NaN without such a base). `weights_kept` tells whether the
    run folder holds the network: a search keeps its incumbents, and the rows of its other candidates.
    """
    require_columns(table, ["run", "seed", "phase", "accepted", "dense_bytes", "weights", "test_accuracy"])
    ended = finished(table).astype({"test_accuracy": float})
    base = ended[ended["phase"] == "base"].groupby(["run", "seed"])["test_accuracy"].first()
    parts = [pareto(part) for _, part in ended.groupby(["run", "seed"], sort=False)]
    rows = (pd.concat(parts) if parts else pareto(ended)).join(base.rename("base_test_accuracy"), on=["run", "seed"])
    shown = rows.assign(
        memory_share=rows["memory_bytes"] / rows["dense_bytes"],
        compression=rows["dense_bytes"] / rows["memory_bytes"],
        density=rows["nonzeros"] / rows["weights"],
        test_points_lost=rows["base_test_accuracy"] - rows["test_accuracy"],
        weights_kept=are_kept(rows),
    )
    return shown[FRONTIER_COLUMNS].reset_index(drop=True)


def best_within(table: pd.DataFrame, budget: str | float) -> pd.DataFrame:
    """For each run and seed of `table`, the network of greatest validation accuracy that takes at most `budget`.

    `budget` is an amount as in `sizes.to_bytes`, a share being that of the run's own dense network. Only networks whose
    weights are kept are chosen; of equal ones the smaller. Columns as in `frontier_table`. Raises OutOfReachError when
    a run has none that fits, ValueError for a budget that cannot be read.
    """
    return pd.concat([_best(rows, budget) for _, rows in table.groupby(["run", "seed"], sort=False)], ignore_index=True)


def _best(rows: pd.DataFrame, budget: str | float) -> pd.DataFrame:
    limit = to_bytes(budget, int(rows["dense_bytes"].iloc[0]))
    kept = frontier_table(rows[are_kept(rows)])
    fitting = kept[kept["memory_bytes"] <= limit]
    if fitting.empty:
        missing = "none is finished that has a validation accuracy"
        smallest = f"the smallest takes {kept['memory_bytes'].iloc[0]} bytes" if len(kept) else missing
        run, seed = rows["run"].iloc[0], rows["seed"].iloc[0]
        raise OutOfReachError(f"{run}, seed {seed}: no network takes at most {limit:.0f} bytes; {smallest}")
    return fitting.tail(1)
