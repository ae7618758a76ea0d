"""Results as text on the terminal."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sparsecnn.errors import ConfigError, OutOfReachError
from sparsecnn.frontier import best_within, frontier_table, whole_networks
from sparsecnn.results import names_of, read_each
from sparsecnn.sizes import readable


def results_text(table: pd.DataFrame) -> str:
    """What the runs in `table` are about: their trainings, and the frontiers of their searches."""
    are_trainings, are_of_ensembles = table.phase == "train", table.phase.isin(["member", "ensemble"])
    parts = [training_text(table[are_trainings])] if are_trainings.any() else []
    parts += [ensemble_text(table[are_of_ensembles])] if are_of_ensembles.any() else []
    are_of_searches = ~(are_trainings | are_of_ensembles)
    parts += [frontier_text(table[are_of_searches])] if are_of_searches.any() else []
    return "\n\n".join(parts)


def frontier_text(table: pd.DataFrame) -> str:
    """The frontier of each run and seed, one network a line; empty when there is none."""
    frontier = frontier_table(table)
    shown = _networks(frontier)
    shown["weights"] = frontier.weights_kept.map({True: "kept", False: "dropped"})
    return "" if shown.empty else shown.to_string(index=False)


def best_table(runs: Sequence[Path], budgets: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """`best_within` of each budget, run and seed, and a line for each of them in which no network fits.

    The columns `budget` and `weights_file` (None where there is no such file) are added.
    """
    tables = read_each(runs)
    found, misses = [], []
    for budget in budgets:
        for path, table in tables.items():
            for _, rows in whole_networks(table).groupby(["run", "seed"], sort=False):
                try:
                    found.append(_best(path, rows, budget))
                except OutOfReachError as error:
                    misses.append(str(error))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(), misses


def _best(path: Path, rows: pd.DataFrame, budget: str) -> pd.DataFrame:
    try:
        best = best_within(rows, budget)
    except ValueError as error:
        raise ConfigError(f"--within: {error}") from error
    folder = path if path.is_dir() else path.parent
    places = [
        (folder / "checkpoints" / f"{row.key}.safetensors", folder / f"ensemble_seed{row.seed}.safetensors")
        for row in best.itertuples()
    ]
    files = [next((str(file) for file in files if file.is_file()), None) for files in places]
    best.insert(0, "budget", budget)
    return best.assign(weights_file=pd.Series(files, dtype=object))


def best_text(best: pd.DataFrame) -> str:
    """The rows of `best_within` with the budget of each, one network a line."""
    shown = _networks(best)
    shown.insert(0, "budget", best.budget)
    return shown.to_string(index=False)


def _networks(frontier: pd.DataFrame) -> pd.DataFrame:
    shown = pd.DataFrame(
        {
            "memory": frontier.memory_bytes.map(readable),
            "smaller by": frontier.compression.map("{:.1f}x".format),
            "density": frontier.density.map("{:.3f}".format),
            "validation %": frontier.val_accuracy.map("{:.2f}".format),
            "test %": frontier.test_accuracy.map("{:.2f}".format),
            "points lost": frontier.test_points_lost.map("{:.2f}".format, na_action="ignore").fillna("-"),
            "network": frontier.key,
        }
    )
    for name in ("seed", "run"):
        if frontier[name].nunique() > 1:
            shown.insert(0, name, frontier[name])
    return shown


def training_text(rows: pd.DataFrame) -> str:
    """One line a seed; for each run of several seeds the mean and standard deviation of their test accuracies."""
    lines = [_trainings(rows)]
    names = names_of(rows)
    are_several = len(names) > 1
    for run, finished in rows[rows.status == "ok"].groupby("run", sort=False).test_accuracy:
        if len(finished) > 1:
            of_run, values = f"{names[str(run)]}: " if are_several else "", finished.astype(float)
            spread = f"{values.mean():.2f} +- {values.std():.2f} % (n = {len(values)} seeds)"
            lines.append(f"{of_run}test accuracy {spread}")
    return "\n".join(lines)


def _trainings(rows: pd.DataFrame) -> str:
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
    if "test_top5_accuracy" in rows and rows.test_top5_accuracy.notna().any():  # tables of older versions lack it
        shown.insert(6, "test top-5 %", rows.test_top5_accuracy.astype(float).round(2))
    return _with_runs(shown, rows)


def _with_runs(shown: pd.DataFrame, rows: pd.DataFrame) -> str:
    """The lines as text: of several runs with their names, and with what they differ in where those are hashes."""
    names = names_of(rows)
    if len(names) > 1:
        shown.insert(0, "run", rows.run)
    if any(name != run for run, name in names.items()):
        shown.insert(0, "what", rows.run.map(names))
    return shown.to_string(index=False)


def ensemble_text(table: pd.DataFrame) -> str:
    """One line an ensemble: its file, and its accuracy beside the mean of those of its networks.

    Where none is finished yet, one line a network.
    """
    rows = table[(table.phase == "ensemble") & (table.status == "ok")]
    if rows.empty:
        return _trainings(table[table.phase == "member"])
    test_accuracy = table.drop_duplicates("key").set_index("key").test_accuracy.astype(float)
    members = [json.loads(keys) for keys in rows.members]
    shown = pd.DataFrame(
        {
            "seed": rows.seed,
            "networks": [len(keys) for keys in members],
            "file": rows.memory_bytes.map(readable),
            "density": (rows.nonzeros / rows.weights).map("{:.3f}".format),
            "validation %": rows.val_accuracy.astype(float).round(2),
            "test %": rows.test_accuracy.astype(float).round(2),
            "mean of networks": [round(float(test_accuracy.reindex(keys).mean()), 2) for keys in members],
            "ensemble": rows.key,
        }
    )
    return _with_runs(shown, rows)
