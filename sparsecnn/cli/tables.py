"""Results as text on the terminal."""

import pandas as pd

from sparsecnn.frontier import frontier_table
from sparsecnn.sizes import readable


def results_text(table: pd.DataFrame) -> str:
    """What the runs in `table` are about: their trainings, or their frontiers."""
    return training_text(table) if (table.phase == "train").all() else frontier_text(table)


def frontier_text(table: pd.DataFrame) -> str:
    """The frontier of each run and seed, one network a line; empty when there is none."""
    frontier = frontier_table(table)
    shown = pd.DataFrame(
        {
            "memory": frontier.memory_bytes.map(readable),
            "smaller by": frontier.compression.map("{:.1f}x".format),
            "density": frontier.density.map("{:.3f}".format),
            "validation %": frontier.val_accuracy.map("{:.2f}".format),
            "test %": frontier.test_accuracy.map("{:.2f}".format),
            "network": frontier.key,
            "weights": frontier.weights_kept.map({True: "kept", False: "dropped"}),
        }
    )
    for name in ("seed", "run"):
        if frontier[name].nunique() > 1:
            shown.insert(0, name, frontier[name])
    return "" if shown.empty else shown.to_string(index=False)


def training_text(table: pd.DataFrame) -> str:
    """One line a seed, and the mean and standard deviation of the test accuracy when there are several."""
    rows = table[table.phase == "train"]
    shown = pd.DataFrame(
        {
            "seed": rows.seed,
            "status": rows.status,
            "memory": rows.memory_bytes.map(readable, na_action="ignore"),
            "nonzeros": rows.nonzeros.astype("Int64"),
            "validation %": rows.val_accuracy.astype(float).round(2),
            "test %": rows.test_accuracy.astype(float).round(2),
            "network": rows.key,
        }
    )
    text = shown.to_string(index=False)
    finished = rows[rows.status == "ok"].test_accuracy.astype(float)
    if len(finished) > 1:
        text += f"\ntest accuracy {finished.mean():.2f} +- {finished.std():.2f} % (n = {len(finished)} seeds)"
    return text
