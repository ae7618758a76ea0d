"""The table of what was found: the dense base and the best network within each limit, of every seed."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from sparsecnn.errors import ConfigError, OutOfReachError
from sparsecnn.frontier import best_within, finished, whole_networks
from sparsecnn.report.source import Source
from sparsecnn.report.words import MISSING, change, is_known, memory, number
from sparsecnn.sizes import to_bytes

BUDGETS = ("1/4", "1/8", "1/20")
TRAININGS = ("train", "member", "ensemble")
STATUSES = ("ok", "early", "failed", "interrupted")
COLUMNS = {"memory": "memory_bytes", "validation": "val_accuracy", "test": "test_accuracy"}
MEASURED = ("memory", "validation", "validation_change", "test", "test_change")
Row = dict[str, object]


def budgets_of(sources: Sequence[Source], asked: Sequence[str]) -> list[str]:
    """The limits to report, widest first: those asked for, else shares of dense memory and the targets of the searches.

    Of the shares those that a network has reached, or the first where none has. ConfigError for what is no limit.
    """
    table = pd.concat([source.candidates for source in sources], ignore_index=True)
    dense = int(table["dense_bytes"].iloc[0])
    shares = (finished(table)["memory_bytes"] / finished(table)["dense_bytes"]).min()
    reached = [budget for budget in BUDGETS if to_bytes(budget, 1) >= shares] or BUDGETS[:1]
    targets = [source.settings.get("search.target_memory") for source in sources]
    known = asked or [*reached, *(str(target) for target in targets if target is not None)]
    try:
        return sorted(dict.fromkeys(known), key=lambda budget: -to_bytes(budget, dense))
    except ValueError as error:
        raise ConfigError(f"--within: {error}") from error


def summary_rows(table: pd.DataFrame, budgets: Sequence[str]) -> list[Row]:
    """The lines of the summary: of each run the base, then each budget; of trainings each network.

    Chosen on validation among the networks whose weights are kept, as `sparsecnn best` does. A line without a network
    says why in `note`.
    """
    rows: list[Row] = []
    for _, part in table.groupby("run", sort=False):
        seeds = [found for _, found in part.groupby("seed", sort=False)]
        rows += [_row(row, _under(row), None) for _, row in part[part["phase"].isin(TRAININGS)].iterrows()]
        searches = [found for found in seeds if not found["phase"].isin(TRAININGS).all()]
        rows += [_row(row, "dense base", row) for found in searches for row in _bases(found)]
        rows += [_best(found, budget) for budget in budgets for found in searches]
    return rows


def summary_means(rows: Sequence[Row]) -> list[Row]:
    """Mean and sample standard deviation over the seeds of each run and name in `summary_rows`, where they are several.

    `n` are the seeds that have a network under that name.
    """
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if not row["note"]:
            grouped.setdefault((str(row["run"]), str(row["name"])), []).append(row)
    return [
        {"run": run, "name": name, "n": len(found), **{column: _spread(found, column) for column in MEASURED}}
        for (run, name), found in grouped.items()
        if len(found) > 1
    ]


def _spread(rows: Sequence[Row], column: str) -> str:
    values = pd.DataFrame([row["values"] for row in rows])[column]
    if values.isna().any():
        return MISSING
    if column == "memory":
        return memory(values.mean())
    signed = "+" if column.endswith("change") else ""
    return f"{values.mean():{signed}.2f} ± {values.std():.2f}"


def networks_of(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Run and key of the networks that the summary names, each once, in its order."""
    return list(dict.fromkeys((str(row["run"]), str(row["key"])) for row in rows if row["key"]))


def tally(table: pd.DataFrame) -> list[Row]:
    """How many networks of each run are finished, failed or interrupted, and the errors of those that failed."""
    rows: list[Row] = []
    for run, part in table.groupby("run", sort=False):
        counts = part["status"].value_counts()
        errors = part["error"].dropna().value_counts() if "error" in part else pd.Series(dtype=int)
        rows.append(
            {
                "run": run,
                "seeds": whole_networks(part)["seed"].nunique(),
                "networks": len(part),
                **{status: int(counts.get(status, 0)) for status in STATUSES},
                "accepted": int(part["accepted"].eq(True).sum()),
                "errors": [f"{text} ({count} times)" for text, count in errors.items()],
            }
        )
    return rows


def _under(row: pd.Series) -> str:
    """What a training was, where its columns say so: its regularizer and its allocation."""
    said = [str(row[name]) for name in ("regularizer", "allocation") if isinstance(row.get(name), str) and row[name]]
    return ", ".join([*(said or [str(row["phase"])]), *([row["phase"]] if row["phase"] != "train" and said else [])])


def _bases(rows: pd.DataFrame) -> Iterator[pd.Series]:
    for _, row in rows[rows["phase"] == "base"].iterrows():
        yield row


def _best(rows: pd.DataFrame, budget: str) -> Row:
    base = next((row for row in _bases(finished(rows))), None)
    try:
        best = best_within(rows, budget)
    except OutOfReachError as error:
        blank = pd.Series({"run": rows["run"].iloc[0], "seed": rows["seed"].iloc[0], "status": "ok"})
        return {**_row(blank, budget, None), "note": str(error).partition(": ")[2]}
    return _row(rows.loc[rows["key"] == best["key"].iloc[0]].iloc[0], budget, base)


def _row(row: pd.Series, name: object, base: pd.Series | None) -> Row:
    """A line: what is missing in `row` is a dash, and so are changes against no base or against itself."""
    is_base = base is not None and base["key"] == row["key"]
    against = pd.Series(dtype=float) if base is None or is_base else base
    weights, size = row.get("weights"), row.get("memory_bytes")
    values = {name: _as_float(row.get(column)) for name, column in COLUMNS.items()}
    changes = {f"{name}_change": values[name] - _as_float(against.get(column)) for name, column in COLUMNS.items()}
    return {
        "run": row["run"],
        "seed": row["seed"],
        "name": name,
        "memory": memory(size),
        "compression": f"{row['dense_bytes'] / size:.1f}x" if memory(size) != MISSING and size else MISSING,
        "density": number(row["nonzeros"] / weights if weights and pd.notna(row["nonzeros"]) else None, ".3f"),
        "validation": number(row.get("val_accuracy")),
        "validation_change": change(row.get("val_accuracy"), against.get("val_accuracy")),
        "test": number(row.get("test_accuracy")),
        "test_change": change(row.get("test_accuracy"), against.get("test_accuracy")),
        "key": row.get("key", ""),
        "values": {**values, **changes},
        "note": "" if row["status"] == "ok" else f"{row['status']}: {row.get('error') or 'not finished'}",
    }


def _as_float(value: object) -> float:
    return float(str(value)) if is_known(value) else math.nan
