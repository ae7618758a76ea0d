"""What the documents say is there: linked files, and numbers as the committed tables hold them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scaling_tables import TABLE, TABLES

from sparsecnn.sizes import readable

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")]
TIMED = {
    "tenth": "cifar10_quick, density 0.1",
    "twentieth": "cifar10_quick, density 0.05",
    "resnet20": "ResNet-20, density 0.1",
}
OTHERS = ("torch eager", "torch channels_last", "torch compiled", "onnxruntime")
BUDGETS = ("1/4", "1/8", "1/20")
SEARCHES = {"cifar10": "cifar10_quick, CIFAR-10", "mnist": "lenet, MNIST"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_linked_files_exist(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def expected_rows(folder: Path, name: str) -> Iterator[str]:
    """The lines of the README's table: memory, and test accuracy with points lost, of each seed."""
    table = pd.read_csv(folder / "frontier" / "table.csv")
    base = table[table.phase == "base"].sort_values("seed")
    accuracies = ", ".join(f"{accuracy:.2f}" for accuracy in base.test_accuracy)
    yield f"| {name} | dense, {base.epochs.max():g} epochs | {readable(base.dense_bytes.iloc[0])} | {accuracies} |"
    longer = pd.read_csv(folder / "longer" / "table.csv").sort_values("seed")
    accuracies = ", ".join(f"{accuracy:.2f}" for accuracy in longer.test_accuracy)
    yield f"| {name} | dense, {longer.epochs.max():g} epochs | {readable(longer.memory_bytes.iloc[0])} | {accuracies} |"
    for budget, best in pd.read_csv(folder / "best.csv").groupby("budget", sort=False):
        memory = ", ".join(dict.fromkeys(best.memory_bytes.map(readable)))
        pairs = zip(best.test_accuracy, best.test_points_lost, strict=True)
        accuracies = ", ".join(f"{accuracy:.2f} ({round(-lost, 2) + 0.0:+.2f})" for accuracy, lost in pairs)
        yield f"| {name} | {budget} | {memory} | {accuracies} |"


def values_of(row: Any) -> str:
    """How the values of a packed network came to be."""
    step = f", step {row.step:g}" if row.step else ""
    return f"{row.values}{step}{', fine-tuned' if row.fine_tuned_epochs else ''}"


def test_the_page_on_memory_shows_the_committed_densities_of_caffenet() -> None:
    lines = (ROOT / "docs" / "memory.md").read_text().splitlines()
    table = pd.read_csv(ROOT / "results" / "memory" / "caffenet_58MiB.csv").set_index("format")
    shown = table.loc[["bitmask", "relative_4", "relative_8", "csr"]]
    rows = [f"| `{row.Index}` | {int(row.nonzeros):,} | {100 * row.density:.2f} % |" for row in shown.itertuples()]
    assert [row for row in rows if row not in lines] == []


def test_the_readme_shows_the_packed_networks_of_the_committed_table() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    table = pd.read_csv(ROOT / "results" / "packed" / "packed.csv")
    rows = [
        f"| {row.file} | {values_of(row)} | {row.file_bytes:,} | {row.compression:.1f}x | "
        f"{row.test_accuracy:.2f} ({round(-row.test_points_lost, 2) + 0.0:+.2f}) |"
        for row in table.itertuples(index=False)
    ]
    assert [row for row in rows if row not in lines] == []


@pytest.mark.parametrize(("search", "budget", "name"), [("cifar10", "1/8", "quick"), ("mnist", "1/20", "lenet")])
def test_packed_networks_of_searches_are_the_best_of_the_committed_searches(
    search: str, budget: str, name: str
) -> None:
    found = pd.read_csv(ROOT / "results" / search / "best.csv")
    within = found[found["budget"] == budget]
    best = within.loc[within["val_accuracy"].idxmax()]
    packed = pd.read_csv(ROOT / "results" / "packed" / "packed.csv").set_index("file").loc[f"{name}_float32"]
    assert (
        packed[["weights", "nonzeros", "test_accuracy"]].tolist() == best[["key", "nonzeros", "test_accuracy"]].tolist()
    )


def speed_rows(name: str, network: str) -> Iterator[str]:
    """The lines of the table of times: milliseconds here, and how much longer others take, on one thread."""
    table = pd.read_csv(ROOT / "results" / "packed" / f"bench_{name}.csv")
    for batch, rows in table[table.threads == 1].groupby("batch"):
        found = rows.set_index("contender")
        ratios = " | ".join(f"{found.ratio[other]:.1f}x" for other in OTHERS)
        yield f"| {network} | {batch} | {1e3 * found.seconds['sparsecnn']:.3g} | {ratios} |"


@pytest.mark.parametrize("name", TIMED)
def test_the_times_of_packed_networks_are_those_of_the_committed_tables(name: str) -> None:
    lines = (ROOT / "docs" / "packed.md").read_text().splitlines()
    assert [row for row in speed_rows(name, TIMED[name]) if row not in lines] == []


def candidate_rows() -> Iterator[str]:
    """The lines of the table of candidates an hour: against the user's loop, median and quartiles."""
    for row in pd.read_csv(ROOT / "results" / "bench" / "candidates.csv").itertuples(index=False):
        quartiles = f"{row.ratio_lower_quartile:.2f} to {row.ratio_upper_quartile:.2f}"
        spread = "" if row.way == "user's loop" else f" ({quartiles})"
        yield f"| {row.network} | {row.way} | {row.candidates_an_hour:.0f} | {row.ratio_median:.2f}x{spread} |"


def test_the_candidates_an_hour_are_those_of_the_committed_table() -> None:
    lines = (ROOT / "docs" / "machines.md").read_text().splitlines()
    assert [row for row in candidate_rows() if row not in lines] == []


@pytest.mark.parametrize("folder", SEARCHES)
def test_the_readme_shows_the_numbers_of_the_committed_tables(folder: str) -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert [row for row in expected_rows(ROOT / "results" / folder, SEARCHES[folder]) if row not in lines] == []


def test_the_readme_says_what_its_networks_lose_on_average() -> None:
    quick, lenet = (pd.read_csv(ROOT / "results" / folder / "best.csv") for folder in SEARCHES)
    quarter, eighth, twentieth = (quick[quick.budget == budget].test_points_lost.mean() for budget in BUDGETS)
    text = " ".join((ROOT / "README.md").read_text().split())
    assert f"loses {quarter:.1f} points within a quarter of its dense memory, {eighth:.1f} within an eighth" in text
    lost = lenet[lenet.budget == BUDGETS[-1]].test_points_lost.mean()
    assert f"and {twentieth:.1f} within a twentieth; LeNet loses {lost:.1f} within a twentieth" in text


SCALING = ROOT / "docs" / "scaling.md"


@pytest.mark.parametrize("rows", TABLES, ids=lambda rows: rows.__name__)
def test_the_tables_of_scaling_are_those_of_the_committed_table(rows: Callable[[pd.DataFrame], Iterator[str]]) -> None:
    lines = SCALING.read_text().splitlines()
    assert [row for row in rows(pd.read_csv(TABLE)) if row not in lines] == []


def test_every_number_in_the_words_of_scaling_stands_in_its_tables() -> None:
    number = re.compile(r"\d+(?:\.\d+)?")
    table = pd.read_csv(TABLE)
    known = {found for rows in TABLES for row in rows(table) for found in number.findall(row)}
    lines = [line for line in SCALING.read_text().splitlines() if not line.startswith("|")]
    words = re.sub(r"\w*_\w*|cifar10", "", "\n".join(lines))
    assert sorted(set(number.findall(words)) - known) == []
