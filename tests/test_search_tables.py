"""What savings cost: the tables of docs/search.md are those of the committed results."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
WAYS = {
    "cheap": "cheap: start=lamp, screening, halving",
    "lamp": "`start=lamp`, at 1/2, then 1/5",
    "knapsack": "`start=knapsack`, the same",
    "screening": "`screen=projected_loss`, 0.4 kept",
    "halving": "`halving=0.5` after 0.2",
    "fixed_support": "`fixed_support`, 0.25 projected",
}
BUDGETS = {
    "cifar10": ["1/2", "1/3", "1/4", "1/6", "1/8", "1/10", "1/12", "1/16", "1/20"],
    "resnet20": ["1/2", "1/3", "1/4", "1/6", "1/8", "1/10"],
}


def rows(network: str, among: str) -> Iterator[str]:
    """The lines of one table: the exhaustive search, its spread, and each way."""
    table = pd.read_csv(ROOT / "results" / "cheap" / "frontiers.csv")
    table = table[(table.network == network) & (table.among == among)]
    has_steps = among == "kept"
    for way, found in table.groupby("way", sort=False):
        at = found.set_index("within").loc[BUDGETS[network]]
        if way == "cheap":
            steps = f"{at.exhaustive_steps.iloc[0]:,.0f} | " if has_steps else ""
            yield f"| exhaustive, % | {steps}{' | '.join(f'{mean:.2f}' for mean in at.exhaustive_mean)} |"
            spreads = " | ".join(f"{spread:.2f}" for spread in at.exhaustive_spread)
            yield f"| least to greatest of its seeds | {'| ' if has_steps else ''}{spreads} |"
        name = WAYS[str(way)] if network == "cifar10" else "cheap"
        steps = f"{at.steps.iloc[0]:,.0f} ({at.share_of_steps.iloc[0]:.3f}) | " if has_steps else ""
        stars = (
            f"{gain:+.2f}{'' if is_within else ' *'}"
            for gain, is_within in zip(at.difference, at.is_within_spread, strict=True)
        )
        yield f"| {name} | {steps}{' | '.join(stars)} |"


@pytest.mark.parametrize(
    ("network", "among", "count"), [("cifar10", "kept", 8), ("cifar10", "all", 8), ("resnet20", "kept", 3)]
)
def test_the_page_on_the_search_shows_the_committed_numbers(network: str, among: str, count: int) -> None:
    lines, expected = (ROOT / "docs" / "search.md").read_text().splitlines(), list(rows(network, among))
    assert len(expected) == count
    assert [row for row in expected if row not in lines] == []
