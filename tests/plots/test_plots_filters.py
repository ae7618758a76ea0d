from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sparsecnn.plots.filters import ACROSS, draw, numbers, weights_table


def filters(alive: int, of: int, *, channels: int = 3, side: int = 2) -> np.ndarray:
    """Filter number n has the weight n + 1 in its first pixel and first channel, those behind `alive` are zero."""
    weight = np.zeros((of, channels, side, side), dtype=np.float32)
    weight[:alive, 0, 0, 0] = np.arange(1, alive + 1)
    return weight


def table(*weights: np.ndarray) -> pd.DataFrame:
    return pd.concat(
        [weights_table(f"run {place}", "seed0", "conv1", weight) for place, weight in enumerate(weights)],
        ignore_index=True,
    )


def sheet(figure: Figure, panel: int) -> np.ndarray:
    return np.asarray(figure.axes[panel].images[0].get_array())


def test_the_numbers_of_each_filter_are_its_nonzeros_its_l1_norm_and_whether_it_is_alive() -> None:
    weight = filters(1, 2)
    weight[0, 2, 1, 1] = -0.5
    rows = numbers(table(weight))
    assert rows.columns.tolist() == ["run", "layer", "filter", "nonzeros", "weights", "l1_norm", "alive"]
    assert rows.to_numpy().tolist() == [
        ["run 0", "conv1", 0, 2, 12, 1.5, True],
        ["run 0", "conv1", 1, 0, 12, 0.0, False],
    ]


def test_all_zero_filters_are_left_out_and_counted() -> None:
    figure = draw(table(filters(12, 32), filters(32, 32)))
    assert [axes.get_title() for axes in figure.axes] == [
        "run 0\n12 filters, 20 all-zero left out",
        "run 1\n32 filters, 0 all-zero left out",
        "nonzero pattern",
        "nonzero pattern",
    ]
    frames = [len([p for p in axes.patches if isinstance(p, Rectangle)]) for axes in figure.axes]
    assert frames == [0, 0, 12, 32]


def test_zero_is_grey_and_all_filters_of_a_panel_have_one_scale() -> None:
    weight = filters(2, 2)
    weight[1, 0, 0, 0] = -4.0
    colours = sheet(draw(table(weight)), 0)
    # A pixel between tiles, then the first pixel of each tile of 2 x 2.
    assert colours[1, 1].tolist() == [0.5 + 0.5 / 4, 0.5, 0.5]
    assert colours[1, 4].tolist() == [0.0, 0.5, 0.5]
    assert colours[2, 2].tolist() == [0.5, 0.5, 0.5]
    assert colours[0, 0].tolist() == [1.0, 1.0, 1.0]


def test_the_pattern_is_darker_the_more_channels_of_a_pixel_are_nonzero() -> None:
    weight = filters(1, 1)
    weight[0, :, 1, 1] = 0.1
    pattern = sheet(draw(table(weight)), 1)
    assert pattern[1, 1].tolist() == pytest.approx([2 / 3] * 3)
    assert pattern[2, 2].tolist() == [0.0] * 3
    assert pattern[1, 2].tolist() == [1.0] * 3


def test_filters_on_grey_images_are_grey() -> None:
    colours = sheet(draw(table(filters(2, 2, channels=1))), 0)
    assert colours[1, 1].tolist() == [0.75] * 3
    assert "(2 x 2 in grey)" in draw(table(filters(2, 2, channels=1))).get_supxlabel().replace("\n", " ")


def test_a_network_without_a_filter_says_so_instead_of_an_empty_panel() -> None:
    figure = draw(table(filters(0, 4)))
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["every filter is zero"] * 2


@pytest.mark.parametrize("runs", [1, 2, 3, 4, 5])
def test_panels_of_any_number_of_runs_stand_apart_and_on_the_page(
    runs: int, overlapping: Callable[[Figure, Iterable[Artist]], list[str]], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(table(*(filters(5 + 9 * run, 64, side=5) for run in range(runs))))
    assert len(figure.axes) == 2 * runs
    artists = [*(axes.images[0] for axes in figure.axes), *(axes.title for axes in figure.axes), figure._supxlabel]
    assert overlapping(figure, artists) == []
    assert not cut(figure)


def test_tiles_are_square_and_equally_large_in_all_panels() -> None:
    figure = draw(table(filters(1, 40, side=5), filters(40, 40, side=5)))
    assert {sheet(figure, panel).shape for panel in range(4)} == {(5 * 6 + 1, ACROSS * 6 + 1, 3)}


def test_filters_of_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or 3 channels have a colour, those of conv1 in run 0 have 32"):
        numbers(table(filters(1, 2, channels=32)))


def test_an_empty_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs at least one filter"):
        draw(table(filters(1, 1)).iloc[:0])


def test_weights_that_are_not_finite_are_refused() -> None:
    weights = table(filters(1, 1)).assign(weight=float("nan"))
    with pytest.raises(ValueError, match="needs finite weights"):
        draw(weights)
