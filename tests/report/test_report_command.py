"""`sparsecnn report` on runs as they are."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from report.pages import Page, fetched
from running import SEARCH, run

from sparsecnn.cli import main
from sparsecnn.frontier import best_within


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search of two rounds."""
    folder = tmp_path_factory.mktemp("searched") / "found"
    run(folder, "greedy_search", [*SEARCH, "search.rounds=2", "tighten=factor"])
    return folder


def test_a_search_is_reported_beside_it_with_what_best_names(searched: Path) -> None:
    done = called("report", str(searched), "--within", "1/1.1")
    assert done.exit_code == 0, done.output
    assert done.output == f"{searched / 'report.html'}\n"
    text = (searched / "report.html").read_text()
    page = Page(text)
    best = best_within(pd.read_csv(searched / "table.csv"), "1/1.1").iloc[0]
    assert page.tables[0][2][5:] == [f"{best.val_accuracy:.2f}", *page.tables[0][2][6:9], best.key]
    assert page.faults == []
    assert fetched(text) == []
    keys = [line[0] for line in page.tables[-2][1:]]
    assert {"search.rounds", "tighten._target_", "validation.share"} <= set(keys)
    assert f"sparsecnn greedy-search {' '.join([*SEARCH, 'search.rounds=2', 'tighten=factor'])}" in page.words


def test_bytes_of_layers_are_those_of_the_kept_weights(searched: Path) -> None:
    assert called("report", str(searched), "--within", "1/1.1").exit_code == 0
    tables = Page((searched / "report.html").read_text()).tables
    storage = next(table for table in tables if table[-1][0] == "together")
    assert [cell for line in storage[1:-1] for cell in line[1:] if cell.startswith("–")] == []  # noqa: RUF001


def test_a_table_alone_is_reported_under_its_label(searched: Path, tmp_path: Path) -> None:
    table = tmp_path / "alone.csv"
    table.write_bytes((searched / "table.csv").read_bytes())
    output = tmp_path / "page.html"
    done = called("report", str(table), str(searched), "--label", "alone", "--label", "beside", "-o", str(output))
    assert done.exit_code == 0, done.output
    words = Page(output.read_text()).words
    assert "alone, seed 0" in words
    assert "beside, seed 0" in words
    assert "--label alone --label beside" in words


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 3, "error: there is no run at nowhere"),
        (["found", "--within", "much"], 2, "error: --within: memory must be above 0"),
        (["found", "--label", "a", "--label", "b"], 2, "there are 1 runs and 2 labels"),
    ],
)
def test_what_cannot_be_reported_is_one_line_with_its_exit_code(
    searched: Path, arguments: list[str], code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(searched.parent)
    refused = called("report", *arguments)
    assert refused.exit_code == code
    assert message in refused.output


@pytest.mark.parametrize(
    ("name", "text"), [("environment.json", "["), ("environment.json", '{"command": 3}'), ("config.yaml", "[")]
)
def test_damaged_texts_beside_a_table_are_refused_by_name(searched: Path, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "table.csv").write_bytes((searched / "table.csv").read_bytes())
    (tmp_path / name).write_text(text)
    refused = called("report", str(tmp_path))
    assert refused.exit_code == 3
    assert str(tmp_path / name) in refused.output
