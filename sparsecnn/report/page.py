"""The page of a report: everything about some runs in one file."""

import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sparsecnn.frontier import finished, frontier_table, whole_networks
from sparsecnn.report import chart
from sparsecnn.report.convergence_panels import convergence_panels
from sparsecnn.report.curves import curves
from sparsecnn.report.frontier_panels import frontier_panels
from sparsecnn.report.layer_tables import byte_tables, density_tables
from sparsecnn.report.networks import networks
from sparsecnn.report.question import question, title
from sparsecnn.report.settings import changed_settings, commands, environments
from sparsecnn.report.source import Source
from sparsecnn.report.summary import TRAININGS, budgets_of, networks_of, summary_means, summary_rows, tally
from sparsecnn.report.words import MISSING, counted, listed, memory, number

TEMPLATES = Path(__file__).parent / "templates"


def report_page(sources: Sequence[Source], budgets: Sequence[str] = (), labels: Sequence[str] = ()) -> str:
    """The page as HTML; nothing in it is fetched from elsewhere, and all text of the runs is escaped.

    `budgets` are limits as in `sizes.to_bytes`, by default 1/4, 1/8, 1/20 and the searches' own; `labels` are the names
    that the runs were given, for the command that makes the page again. The same runs give the same page. ConfigError
    for a budget that cannot be read.
    """
    table = pd.concat([source.candidates for source in sources], ignore_index=True)
    chosen = budgets_of(sources, budgets)
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    facts = {**_texts(sources, table), **_findings(sources, table, chosen), **_making(sources, chosen, labels)}
    return pages.get_template("page.html").render(**facts, chart=chart)


def _texts(sources: Sequence[Source], table: pd.DataFrame) -> dict[str, Any]:
    runs = list(dict.fromkeys(map(str, table["run"])))
    seeds = sorted(whole_networks(table)["seed"].unique())
    return {
        "version": version("sparsecnn"),
        "title": title(sources),
        "question": question(sources),
        "runs": runs,
        "seeds": f"n = {counted(len(seeds), 'seed')} ({listed(seeds)})",
        "is_search": not table["phase"].isin(TRAININGS).all(),
        "has_validation": bool(finished(table)["val_accuracy"].notna().any()),
        "finished": len(finished(table)),
    }


def _findings(sources: Sequence[Source], table: pd.DataFrame, budgets: Sequence[str]) -> dict[str, Any]:
    known = networks(table)
    looks = curves(table)
    epochs = [_named(source) for source in sources if not source.epochs.empty]
    summary = summary_rows(table, budgets)
    searches = table[~table["phase"].isin(TRAININGS)]
    return {
        "summary": summary,
        "means": summary_means(summary),
        "has_changes": any(row["test_change"] != MISSING or row["validation_change"] != MISSING for row in summary),
        "tally": tally(table),
        "curves": looks.curves,
        "frontier": frontier_panels(table, known, looks, budgets if len(searches) else []),
        "frontier_rows": _frontier_rows(searches),
        "convergence": convergence_panels(table, pd.concat(epochs, ignore_index=True), known, looks) if epochs else [],
        "densities": density_tables(table),
        "bytes": byte_tables(sources, networks_of(summary)),
        "networks": known.data,
    }


def _making(sources: Sequence[Source], budgets: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    settings = changed_settings(sources)
    paths = [str(source.path) for source in sources]
    options = [word for budget in budgets for word in ("--within", budget)]
    options += [word for label in labels for word in ("--label", label)]
    return {
        "shared": [setting for setting in settings if setting.is_shared],
        "differing": [setting for setting in settings if not setting.is_shared],
        "told": [source for source in sources if source.settings],
        "sources": sources,
        "environments": environments(sources),
        "commands": [(source, commands(source, budgets)) for source in sources],
        "report_command": shlex.join(["sparsecnn", "report", *paths, *options, "-o", "report.html"]),
    }


def _named(source: Source) -> pd.DataFrame:
    """The epochs under the name that their run has in the candidates, where runs of one name are told apart."""
    return source.epochs.assign(run=source.runs[0]) if len(source.runs) == 1 else source.epochs


def _frontier_rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {
            "run": row["run"],
            "seed": row["seed"],
            "memory": memory(row["memory_bytes"]),
            "compression": f"{row['compression']:.1f}x",
            "density": number(row["density"], ".3f"),
            "validation": number(row["val_accuracy"]),
            "test": number(row["test_accuracy"]),
            "weights": "kept" if row["weights_kept"] else "dropped",
            "key": row["key"],
        }
        for _, row in frontier_table(table).iterrows()
    ]
