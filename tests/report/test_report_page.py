"""The page as a whole: its sections, its words, and that it needs nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report.pages import Page, fetched

from sparsecnn.errors import ConfigError
from sparsecnn.report import Source, report_page

Row = Callable[..., dict[str, Any]]
SECTIONS = ["Summary", "Frontier", "Layers", "Convergence", "Storage", "Configuration", "Environment", "Commands"]
ENVIRONMENT = {
    "command": ["sparsecnn", "greedy-search", "search.target_memory=1/2", "-q"],
    "started_at": "2025-01-01T00:00:00+00:00",
    "python": "3.12.1",
    "packages": {"torch": "2.7.0"},
    "git": "abc123",
    "git_is_dirty": True,
}


def test_a_page_has_all_sections_and_each_tag_and_reference_has_its_end(search: Source) -> None:
    page = Page(report_page([search]))
    assert page.headings == SECTIONS
    assert page.faults == []
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.references) <= set(page.ids)


def test_the_summary_says_what_best_says_and_counts_what_failed(search: Source) -> None:
    summary, tally = Page(report_page([search], ["1/2", "1/8"])).tables[:2]
    assert summary[1:] == [
        ["dense base", "0", "3.9 KiB", "1.0x", "1.000", "90.00", "–", "89.00", "–", "base"],  # noqa: RUF001
        ["1/2", "0", "2.0 KiB", "2.0x", "0.800", "88.50", "-1.50", "86.50", "-2.50", "k1"],
        ["1/8", "0", "no network takes at most 505 bytes; the smallest takes 2000 bytes"],
    ]
    assert tally[1] == ["tiny", "1", "5", "3", "0", "1", "1", "2", "the loss on validation is not finite (1 times)"]


def test_points_tell_budgets_and_formats_of_every_layer_once_for_both_splits(search: Source) -> None:
    text = report_page([search])
    told = Page(text).told
    assert told["layouts"] == [[["conv1", 100], ["ip1", 900]]]
    assert told["networks"][1] == {
        "title": "seed 0, round 1, ip1 tightened",
        "facts": "2.0 KiB, validation 88.50 %, test 86.50 %",
        "key": "k1",
        "layout": 0,
        "nonzeros": [100, 700],
        "budgets": [100, 700],
        "formats": [0, 1],
    }
    assert told["formats"] == ["dense", "bitmask"]
    said = "<title>seed 0, round 1, ip1 tightened: 2.0 KiB, validation 88.50 %, test 86.50 %</title>"
    assert text.count(said) == 4  # on validation, on test, and at the end of both of its lines of epochs


def test_nothing_is_loaded_from_elsewhere(search: Source) -> None:
    text = report_page([search])
    assert fetched(text) == []
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'none'" in text


def test_text_of_runs_is_text_on_the_page(search: Source) -> None:
    evil = "</script><script>alert('&')</script>"
    table = search.candidates.assign(run=evil, model="<b>&\"'", key=search.candidates["key"] + "<i>", error=evil)
    page = report_page([replace(search, candidates=table, config=evil, overrides=(evil,))])
    parsed = Page(page)
    assert parsed.faults == []
    assert page.count("<script") == 2
    assert "<i>" not in page
    assert "<b>" not in page
    assert parsed.told["networks"][0]["key"] == "base<i>"
    assert parsed.words.count("alert('&')") >= 4
    assert parsed.words.count("<b>&\"'") >= 2


def test_what_was_typed_where_and_with_what_settings_is_told(search: Source) -> None:
    told = replace(
        search,
        overrides=("search.target_memory=1/2",),
        environment=ENVIRONMENT,
        config="seeds: [0]\n",
        settings={"search.target_memory": "1/2", "search.refine._target_": "Solver", "search.refine.epochs": 2, "a": 1},
        defaults={"search.target_memory": None, "search.refine": None, "a": 1},
    )
    page = Page(report_page([told]))
    assert "How accurate can small be on digits within each limit on memory, down to 1/2, where" in page.words
    assert page.tables[-2][1:] == [
        ["search.target_memory", "1/2", "null"],
        ["search.refine", "_target_: Solver, epochs: 2", "null"],
    ]
    assert page.tables[-1] == [["python", "3.12.1"], ["torch", "2.7.0"]]
    lines = [line for line in page.words.splitlines() if line.startswith(("git ", "sparsecnn "))]
    assert lines[:2] == [
        "git checkout abc123  # with changes that were not committed",
        "sparsecnn greedy-search search.target_memory=1/2",
    ]
    assert lines[2].endswith("tiny --within 1/2 --within 1/4")


def test_a_search_that_found_nothing_shows_its_base(source: Callable[..., Source], row: Row) -> None:
    page = Page(report_page([source([row()])]))
    assert [line[0] for line in page.tables[0][1:]] == ["dense base", "1/4"]
    assert page.tables[0][2][2] == "no network takes at most 1010 bytes; the smallest takes 4040 bytes"
    assert "No epochs are recorded beside these tables." in page.words
    assert page.faults == []


def test_a_failed_base_is_said_and_nothing_is_drawn(source: Callable[..., Source], row: Row) -> None:
    lost = dict.fromkeys(["val_accuracy", "test_accuracy", "memory_bytes", "nonzeros", "layer_nonzeros", "formats"])
    text = report_page([source([row(**lost, status="failed", error="the loss is not finite", accepted=False)])])
    page = Page(text)
    assert page.tables[0][1] == ["dense base", "0", "failed: the loss is not finite"]
    assert "No network is finished, so there is nothing to draw." in page.words
    assert 'class="panel"' not in text
    assert page.headings == SECTIONS


def test_trainings_without_a_validation_split_are_all_shown_and_none_is_chosen(
    source: Callable[..., Source], row: Row
) -> None:
    rows = [row(phase="train", key=f"t{seed}", seed=seed, val_accuracy=None, accepted=False) for seed in (0, 1)]
    text = report_page([source(rows)])
    page = Page(text)
    assert "How accurate is small, trained on digits under l0_projection, over 2 seeds?" in page.words
    assert "There was no validation split, so nothing was chosen here" in page.words
    assert page.tables[0][1] == ["l0_projection", "2", "3.9 KiB", "–", "89.00 ± 0.00"]  # noqa: RUF001
    assert page.tables[1][2] == ["l0_projection", "1", "3.9 KiB", "1.0x", "1.000", "–", "89.00", "t1"]  # noqa: RUF001
    assert "frontier-test-title" in text
    assert "frontier-val-title" not in text


def test_several_runs_are_several_curves(search: Source, tmp_path: Path) -> None:
    other = replace(search, path=tmp_path / "other", candidates=search.candidates.assign(run="other"))
    text = report_page([search, other])
    assert [text.count(f'title="{name}, seed 0"') for name in ("tiny", "other")] == [2, 2]  # two legends
    assert text.count('<polyline class="path r1') == 4  # its frontier on both splits, its losses and its accuracies
    assert Page(text).told["networks"][3]["title"] == "other, seed 0, dense base"


def test_the_same_runs_give_the_same_page_and_half_a_thousand_networks_a_light_one(
    source: Callable[..., Source], row: Row, tightened: Row
) -> None:
    sizes = {f"layer{place}.convolution": 9000 + place for place in range(22)}
    layers = {name: json.dumps(sizes) for name in ("layer_weights", "layer_nonzeros", "budgets")}
    layers["formats"] = json.dumps(dict.fromkeys(sizes, "relative_7"))
    many = [tightened(n, 50 + n / 20, 4000 - 7 * n, accepted=n % 9 == 0, **layers) for n in range(1, 501)]
    rows = source([row(**layers), *many])
    page = report_page([rows])
    assert page == report_page([rows])
    assert len(page.encode()) < 1_000_000


def test_a_limit_that_is_none_is_refused(search: Source) -> None:
    with pytest.raises(ConfigError, match=r'--within: memory must be above 0.*got "half"'):
        report_page([search], ["half"])
