"""The parts of a page: places, paths of epochs, settings, bytes of layers."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from sparsecnn import report
from sparsecnn.plots.style import PALETTE
from sparsecnn.report import Source
from sparsecnn.report.chart import decade_ticks, linear_ticks, stairs, x_scale, y_scale
from sparsecnn.report.convergence_panels import traces
from sparsecnn.report.curves import curves
from sparsecnn.report.frontier_panels import frontier_panels
from sparsecnn.report.layer_tables import byte_tables, density_tables, layer_bytes
from sparsecnn.report.networks import networks
from sparsecnn.report.settings import changed_settings, commands
from sparsecnn.report.summary import summary_means, summary_rows
from sparsecnn.report.words import change, counted, listed, memory, number

Row = Callable[..., dict[str, Any]]


def test_a_scale_goes_from_end_to_end_of_the_panel() -> None:
    assert [x_scale(0, 10)(value) for value in (0, 5, 10)] == [54, 280, 506]
    assert [y_scale(1, 100, is_logarithmic=True)(value) for value in (1, 10, 100)] == [304, 169, 34]
    assert [tick.text for tick in linear_ticks(y_scale(70, 81))] == ["70", "72", "74", "76", "78", "80"]
    decades = decade_ticks(y_scale(0.04, 0.6, is_logarithmic=True))
    assert [tick.text for tick in decades] == ["0.05", "0.1", "0.2", "0.5"]


def test_a_step_keeps_its_height_until_the_next_place() -> None:
    assert stairs([(1, 9), (4, 5.5), (7, 2)]) == "1,9 4,9 4,5.5 7,5.5 7,2"


def test_numbers_are_written_with_their_sign_and_without_a_negative_zero() -> None:
    assert (change(79.5, 80.0), change(80.0, 79.996), change(79.996, 80.0)) == ("-0.50", "+0.00", "+0.00")
    assert (number(np.float64(1.005)), number(None), number(float("nan"))) == ("1.00", "–", "–")  # noqa: RUF001
    assert (memory(np.int64(2048)), memory(None)) == ("2.0 KiB", "–")  # noqa: RUF001
    assert (listed(["a", "b", "a", "c"], "or"), listed([]), counted(1, "seed")) == ("a, b or c", "", "1 seed")


def test_epochs_are_counted_along_the_parents(search: Source) -> None:
    traced = traces(search.candidates, search.epochs)
    assert list(traced[["key", "x", "is_last"]].itertuples(index=False, name=None)) == [
        ("base", 1.0, False),
        ("base", 2.0, True),
        ("k1", 2.5, True),
    ]


def test_a_network_between_two_accepted_ones_is_on_the_path(
    source: Callable[..., Source], row: Row, tightened: Row
) -> None:
    rows = [row(), tightened(1, 88.0, 3000), tightened(2, 88.5, 3000, parent="k1", accepted=True, epochs=2.0)]
    epochs = pd.DataFrame(
        {"run": "tiny", "key": ["k2", "k1"], "epoch": [2, 1], "train_loss": 0.5, "val_accuracy": 88.0}
    )
    traced = traces(source(rows).candidates, epochs)
    assert list(zip(traced["key"], traced["x"], strict=True)) == [("k1", 2.5), ("k2", 4.5)]


def test_each_point_is_drawn_as_what_it_is(search: Source) -> None:
    table = search.candidates
    validation, test = frontier_panels(table, networks(table), curves(table), ["1/2", "1/2.1"])
    assert [(mark.kind, mark.network) for mark in validation.marks] == [("frontier", 1), ("frontier", 2), ("base", 0)]
    assert [mark.x for mark in test.marks] == [mark.x for mark in validation.marks]
    assert [rule.text for rule in validation.rules] == ["1/2", ""]  # the second name would lie over the first


def test_more_curves_than_colours_are_one_for_each_regularizer(source: Callable[..., Source], row: Row) -> None:
    names = ["l1", "l0", "l0", "l1"] * 3
    trained = [row(run=f"run{n}", phase="train", regularizer=name) for n, name in enumerate(names)]
    found = curves(source(trained).candidates)
    assert [curve.name for curve in found.curves] == ["l1", "l0"]
    assert [found.number(f"run{n}", 0) for n in range(4)] == [0, 1, 1, 0]
    alike = [{**one, "regularizer": "l0"} for one in trained]
    assert [curve.name for curve in curves(source(alike).candidates).curves] == [f"run{n}" for n in range(12)]


def test_every_colour_of_a_curve_is_that_of_the_page_in_every_theme() -> None:
    style_sheet = (resources.files(report) / "templates" / "page.css").read_text()
    for place in range(len(PALETTE)):
        assert style_sheet.count(f"--run{place}: #") == 3  # light, dark, printed
        assert style_sheet.count(f".r{place} {{ --run: var(--run{place}); }}") == 1


def test_densities_are_those_of_the_frontier(search: Source) -> None:
    (table,) = density_tables(search.candidates)
    assert table.caption == "seed 0"
    assert table.heads == [("1.5 KiB", "85.00 %"), ("2.0 KiB", "88.50 %"), ("3.9 KiB", "90.00 %")]
    assert [(name, [cell.text for cell in cells]) for name, cells in table.rows] == [
        ("conv1 (100)", ["100 %", "100 %", "100 %"]),
        ("ip1 (900)", ["55.6 %", "77.8 %", "100 %"]),
    ]


@pytest.fixture
def stored(search: Source) -> Source:
    """The search with the weights of k1: 100 and 10 of 900 nonzeros, ten biases."""
    weights = {"conv1.weight": torch.ones(10, 10), "ip1.weight": torch.zeros(10, 90), "ip1.bias": torch.zeros(10)}
    weights["ip1.weight"][0, :10] = 1.0
    (search.path / "checkpoints").mkdir(parents=True)
    save_file(weights, search.path / "checkpoints" / "k1.safetensors")
    # 4 bytes a value, a bit a position of ip1, ten biases.
    whole = 400 + (40 + 113) + 40
    table = search.candidates
    return replace(search, candidates=table.assign(memory_bytes=table.memory_bytes.mask(table.key == "k1", whole)))


def test_bytes_of_layers_and_of_what_is_never_sparse_are_the_memory_of_the_network(stored: Source) -> None:
    (table,) = byte_tables([stored], [("tiny", "base"), ("tiny", "k1")])
    assert [(name, [(cell.text, cell.below) for cell in cells]) for name, cells in table.rows] == [
        ("conv1", [("–", "dense"), ("400 B", "dense")]),  # noqa: RUF001
        ("ip1", [("–", "dense"), ("153 B", "bitmask")]),  # noqa: RUF001
        ("biases, normalisation", [("–", ""), ("40 B", "")]),  # noqa: RUF001
        ("together", [("3.9 KiB", ""), ("593 B", "")]),
    ]


@pytest.mark.parametrize("changed", [{"memory_bytes": 594}, {"formats": json.dumps({"conv1": "rice"})}])
def test_bytes_that_do_not_add_up_are_not_shown(stored: Source, changed: dict[str, object]) -> None:
    row = stored.candidates.iloc[1]
    assert layer_bytes(row, stored) == {"conv1": 400, "ip1": 153}
    assert layer_bytes(pd.Series({**row, **changed}), stored) == {}


def test_settings_are_compared_with_the_defaults_run_by_run(search: Source, tmp_path: Path) -> None:
    defaults = {"rounds": None, "share": 0.1, "flip": False}
    one = replace(search, settings={"rounds": 3, "share": 0.1, "flip": True, "part._partial_": True}, defaults=defaults)
    other = replace(one, settings={"rounds": 4, "share": 0.1, "flip": True, "folder": "x"})
    found = [(setting.key, setting.values, setting.default) for setting in changed_settings([one, other])]
    assert found == [
        ("rounds", ("3", "4"), "null"),
        ("flip", ("true", "true"), "false"),
        ("folder", ("–", "x"), "–"),  # noqa: RUF001
    ]


def test_commands_quote_what_a_shell_would_split_and_say_what_is_unknown(search: Source) -> None:
    typed = ["sparsecnn", "train", "-m", "model=a,b"]
    told = replace(search, path=Path("my runs"), overrides=("data.folder=my images",), environment={"command": typed})
    assert commands(told, ["1/4"]) == [
        "sparsecnn train 'data.folder=my images'",
        "# it was one of: sparsecnn train -m model=a,b",
        "sparsecnn table 'my runs'",
    ]
    kept = replace(search, environment={"command": ["sparsecnn", "greedy-search", "experiment=demo"]})
    assert commands(kept, ["1/4"])[0] == "sparsecnn greedy-search experiment=demo"
    assert commands(replace(search, path=Path("runs/t")), ["1/4"]) == [
        "# nothing beside the table says how it was made",
        "sparsecnn best runs/t --within 1/4",
        "sparsecnn plot-frontier runs/t",
    ]


@pytest.mark.parametrize(
    ("typed", "overrides", "line"),
    [
        (["sparsecnn", "train", "x=1"], "", "sparsecnn train x=1  # the weights to begin with"),
        (["sparsecnn", "train", "-m", "x=1,2"], "x=2\n", "sparsecnn train x=2  # the weights to begin with"),
        (None, "", "# it begins with the weights in {folder}"),
    ],
)
@pytest.mark.parametrize("file", ["", "seed0.safetensors"])
def test_what_made_the_weights_of_the_base_comes_first(
    search: Source, tmp_path: Path, typed: list[str] | None, overrides: str, line: str, file: str
) -> None:
    if typed is not None:
        (tmp_path / "environment.json").write_text(json.dumps({"command": typed}))
        (tmp_path / "overrides.txt").write_text(overrides)
    told = replace(search, settings={"model.weights": str(tmp_path / file)})
    assert commands(told, ["1/4"])[0] == line.format(folder=tmp_path / file)


def test_a_table_of_several_runs_says_how_one_of_them_was_made(search: Source, source: Callable[..., Source]) -> None:
    other = search.candidates.assign(run="other")
    typed = {"command": ["sparsecnn", "train", "-m", "model=a,b"]}
    both = source([*search.candidates.to_dict("records"), *other.to_dict("records")], environment=typed)
    assert commands(both, ["1/4"])[0] == "# these runs, or one of them, were made by: sparsecnn train -m model=a,b"


def test_means_are_over_the_seeds_of_a_run_and_a_limit(source: Callable[..., Source], row: Row, tightened: Row) -> None:
    rows = [
        *(row(key=f"b{seed}", seed=seed, val_accuracy=90.0 + seed, test_accuracy=88.0) for seed in (0, 1)),
        *(tightened(1, 85.0 + 2 * seed, 2000 + 20 * seed, key=f"k{seed}", seed=seed, accepted=True) for seed in (0, 1)),
    ]
    base, half = summary_means(summary_rows(source(rows).candidates, ["1/2"]))
    assert (base["name"], base["n"], base["validation"], base["test"]) == (
        "dense base",
        2,
        "90.50 ± 0.71",
        "88.00 ± 0.00",
    )
    assert base["validation_change"] == "–"  # noqa: RUF001
    assert (half["memory"], half["validation"], half["validation_change"]) == (
        "2.0 KiB",
        "86.00 ± 1.41",
        "-4.50 ± 0.71",
    )
    assert (half["test"], half["test_change"]) == ("84.00 ± 1.41", "-4.00 ± 1.41")


def test_one_seed_has_no_mean(search: Source) -> None:
    assert summary_means(summary_rows(search.candidates, ["1/2"])) == []
