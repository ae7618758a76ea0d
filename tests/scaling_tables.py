"""The tables of docs/scaling.md, made from results/bench/scaling.csv."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

TABLE = Path(__file__).resolve().parent.parent / "results" / "bench" / "scaling.csv"
REFINED, UNREFINED = "ResNet-50, ILSVRC", "ResNet-50, ILSVRC, unrefined"
WAITING, DROPPING, EARLY = "rounds that wait", "last quarter dropped", "begun early"


def hours(value: float) -> str:
    """Hours with one digit behind the point, three below one hour, none from a hundred."""
    digits = 3 if value < 1 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f} %"


def scenarios(table: pd.DataFrame) -> Iterator[str]:
    for row in table[table.study == "workers"].drop_duplicates("scenario").itertuples(index=False):
        yield (
            f"| {row.scenario} | {row.base_epochs} | {row.candidate_epochs:g} | {row.refine_epochs} | "
            f"{row.epoch_seconds:.3g} | {row.evaluate_seconds:g} | {row.overhead_seconds:g} | {row.doubling:g} | "
            f"{row.sigma:g} | {row.origin} |"
        )


def searches(table: pd.DataFrame) -> Iterator[str]:
    for row in table[table.study == "searches"].itertuples(index=False):
        yield (
            f"| {row.scenario} | {row.model_rounds:.1f} | {row.rounds} | {row.measured_rounds:.0f} | {row.candidates} "
            f"| {row.measured_candidates:.0f} | {hours(row.model_device_hours_a_seed)} "
            f"| {hours(row.measured_device_hours)} |"
        )


def steps(table: pd.DataFrame) -> Iterator[str]:
    rows = table[table.study == "steps"].sort_values(["layers"], kind="stable")
    for row in rows.itertuples(index=False):
        model = "" if pd.isna(row.model_rounds) else f"{row.model_rounds:.0f}"
        drawn = "" if pd.isna(row.candidates_any_winner) else f" ({row.candidates_any_winner:.0f})"
        yield (
            f"| {row.scenario} | {row.layers} | `{row.tighten}` | {model} | {row.rounds} | {row.candidates}{drawn} "
            f"| {row.candidates_a_round:.1f} | {row.most_candidates} | {hours(row.busy_device_hours_a_seed)} |"
        )


def workers(table: pd.DataFrame) -> Iterator[str]:
    columns = ["scenario", "workers", "group"]
    for (scenario, count, group), rows in table[table.study == "workers"].groupby(columns, sort=False):
        alone, found = rows[rows.seeds > 1].iloc[0], rows[rows.seeds == 1].set_index("mode")
        number = f"{count} on {group} cores" if group > 1 else count
        yield (
            f"| {scenario} | {number} | {hours(found.model_hours[WAITING])} | {hours(found.hours[WAITING])} | "
            f"{percent(found.utilisation[WAITING])} | {hours(found.hours[DROPPING])} | {hours(found.hours[EARLY])} | "
            f"{hours(alone.hours_a_seed)} | {percent(alone.utilisation)} |"
        )


def groups(table: pd.DataFrame) -> Iterator[str]:
    for group, rows in table[table.study == "groups"].groupby("group"):
        alone = rows[(rows.seeds == 1) & (rows.refine_width == 1)].iloc[0]
        whole = rows[(rows.seeds == 1)].sort_values("refine_width").iloc[-1]
        several = rows[rows.seeds > 1].iloc[0]
        yield (
            f"| {group} | {alone.workers} | {hours(alone.hours)} | {hours(whole.hours)} | "
            f"{hours(several.hours_a_seed)} | {percent(several.utilisation)} | {several.busy_device_hours_a_seed:.0f} |"
        )


def rules(table: pd.DataFrame) -> Iterator[str]:
    for (rule, scenario), rows in table[table.study == "rules"].groupby(["rule", "scenario"], sort=False):
        row: Any = rows.iloc[0]
        yield (
            f"| {rule} | {scenario} | {row.rounds} | {row.candidates} | {hours(row.busy_device_hours_a_seed)} | "
            f"{row.workers} | {hours(row.hours)} |"
        )


def spread(table: pd.DataFrame) -> Iterator[str]:
    for sigma, rows in table[table.study == "spread"].groupby("sigma"):
        found = rows.set_index("mode")
        yield (
            f"| {sigma:g} | {hours(found.model_hours[WAITING])} | {hours(found.hours[WAITING])} | "
            f"{hours(found.hours[DROPPING])} | {percent(found.counted_share[DROPPING])} | "
            f"{hours(found.hours[EARLY])} | {percent(found.wasted_share[EARLY])} |"
        )


def epochs(table: pd.DataFrame) -> Iterator[str]:
    for row in table[table.study == "epochs"].itertuples(index=False):
        yield (
            f"| {row.epoch_seconds / 60:.0f} | {row.candidate_epochs:g} | {row.rounds} | {row.candidates} | "
            f"{row.busy_device_hours_a_seed:.0f} | {hours(row.hours)} |"
        )


TABLES: tuple[Callable[[pd.DataFrame], Iterator[str]], ...] = (
    scenarios,
    searches,
    steps,
    workers,
    groups,
    rules,
    spread,
    epochs,
)
