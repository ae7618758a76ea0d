import json
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pandas import DataFrame

from sparsecnn.plots import FIGURES
from sparsecnn.plots.style import MAX_LABEL, add_legend, paper_style, run_look, save, short_names, shortened


def small() -> Figure:
    with paper_style():
        picture = Figure(figsize=(2, 2))
        picture.subplots().plot([1, 2], [3, 4])
    return picture


def test_a_figure_is_saved_as_png_and_svg_and_nothing_else(tmp_path: Path) -> None:
    paths = save(small(), tmp_path / "new" / "density_0.5")
    assert [path.name for path in paths] == ["density_0.5.png", "density_0.5.svg"]
    assert sorted(paths) == sorted((tmp_path / "new").iterdir())
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"</svg>" in paths[1].read_bytes()


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = save(small(), tmp_path / "one"), save(small(), tmp_path / "other")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_the_style_ends_with_its_block() -> None:
    before = dict(mpl.rcParams)
    with paper_style():
        assert mpl.rcParams["axes.grid"]
    assert dict(mpl.rcParams) == before


def test_thirty_two_runs_look_different() -> None:
    assert len({run_look(position) for position in range(32)}) == 32
    assert run_look(32) == run_look(0)


def test_long_names_lose_their_middle() -> None:
    assert shortened("quick") == "quick"
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert len(shortened("a" * 99)) == MAX_LABEL


def test_long_names_lose_what_all_begin_with() -> None:
    long = "a" * 50
    assert short_names([f"{long}x", f"{long}yz"]) == ["…x", "…yz"]
    assert short_names(["aax", "aay"]) == ["aax", "aay"]
    assert short_names([long]) == [shortened(long)]


def test_more_rows_of_legend_make_a_higher_figure() -> None:
    picture = Figure(figsize=(7.2, 4.0))
    add_legend(picture, [Line2D([], [], label=f"{'a' * 40}{position}") for position in range(6)])
    assert picture.get_figheight() == pytest.approx(4.0 + 2 * 0.165)


def test_rows_of_a_legend_are_about_as_long() -> None:
    picture = Figure(figsize=(7.2, 4.0))
    add_legend(picture, [Line2D([], [], label=f"{'a' * 10}{position:2d}") for position in range(11)])
    (legend,) = picture.legends
    FigureCanvasAgg(picture).draw()
    tops = Counter(round(text.get_window_extent().y0) for text in legend.get_texts())
    assert sorted(tops.values()) == [3, 4, 4]


OF_A_FAMILY = {
    "phase": "train",
    "model": "m",
    "data": "d",
    "multiply_adds": 10,
    "inference_bytes": 64,
    "training_bytes": 256,
}
# Figures of repetitions, of which a search's row is made one by these columns.
OF_ONE_ROW: dict[str, dict[str, Any]] = {
    "thresholding": {"phase": "train"},
    "convergence": {"phase": "train", "step": 10, "train_loss": 1.0},
    "turnover": {
        "phase": "train",
        "epoch": 1,
        "layer_detail": "a",
        "nonzeros_detail": 1,
        "turnover": 0.1,
        "budgets": '{"a": 1}',
        "weights": 10,
    },
    "training_data": {"phase": "train", "train_images": 100},
    **dict.fromkeys(("operators", "operators_activations", "operators_multiply_adds"), OF_A_FAMILY),
    "ensembles": {
        "phase": "ensemble",
        "members": lambda rows: rows.key.map(lambda key: json.dumps([key])),
        "val_loss": 1.0,
        "test_loss": 1.0,
    },
}


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_gives_numbers_and_a_picture_of_the_same_table(name: str, search: Callable[..., DataFrame]) -> None:
    module, table = import_module(f"sparsecnn.plots.{name}"), search().assign(phase="candidate")
    if name in OF_ONE_ROW:
        table = table.drop_duplicates("seed").assign(**OF_ONE_ROW[name])
    assert len(module.numbers(table)) > 0
    assert isinstance(module.draw(table), Figure)
