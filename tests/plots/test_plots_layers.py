from collections.abc import Callable, Iterable
from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from sparsecnn.plots.layers import draw, numbers

Rows = Callable[..., pd.DataFrame]
RESNET = {f"stage{stage}.block{block}.conv{conv}": 2304 for stage in range(3) for block in range(9) for conv in (1, 2)}


def caption(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def test_stacks_hold_each_layer_of_each_accepted_network_in_network_order(search: Rows) -> None:
    stacks = numbers(search(rounds=2))
    assert list(stacks.number.unique()) == [1, 3]
    first = stacks[stacks.number == 1]
    assert list(first.layer) == ["conv1", "conv2", "conv3", "ip1", "ip2"]
    assert list(first.position) == [0, 1, 2, 3, 4]
    assert list(first.nonzeros) == [1920, 20480, 40960, 52428, 512]
    assert first.density.iloc[0] == 0.8


def test_without_accepted_rows_the_frontier_is_shown(search: Rows) -> None:
    stacks = numbers(search(rounds=2).assign(accepted=False))
    assert list(stacks.number.unique()) == [5, 3, 1, 0]


def test_of_networks_whose_bars_would_overlap_the_smaller_is_drawn(row: Callable[..., dict[str, object]]) -> None:
    accuracies = [(80.0, 900), (79.99, 500), (75.0, 400), (10.0, 300)]
    rows = [row(number, *facts, accepted=True) for number, facts in enumerate(accuracies)]
    stacks = numbers(pd.DataFrame(rows))
    assert set(stacks.number[stacks.drawn]) == {1, 2}
    assert "n = 2 of 4 networks" in caption(draw(pd.DataFrame(rows)))


def test_no_two_bars_overlap(search: Rows) -> None:
    bars = sorted(draw(search(rounds=14)).axes[0].patches, key=lambda bar: bar.get_x())
    left = sorted({(bar.get_x(), bar.get_width()) for bar in bars})
    assert all(x + width < after for (x, width), (after, _) in pairwise(left))


def test_bars_are_centred_at_the_accuracy_and_stack_to_the_totals(search: Rows) -> None:
    figure = draw(search(rounds=1))
    raw, normalised = figure.axes
    assert {round(bar.get_x() + bar.get_width() / 2, 6) for bar in raw.patches} == {79.5}
    assert sum(bar.get_height() for bar in raw.patches) == 1920 + 20480 + 40960 + 52428 + 512
    assert sum(bar.get_height() for bar in normalised.patches) == pytest.approx(4.0, abs=1e-3)
    assert raw.patches[0].get_height() == 512, "the last layer lies at the bottom"
    assert caption(figure) == "n = 1 of 1 networks on the path of run quick, seed 0."


def test_the_legend_names_layers_in_network_order_with_their_sizes(search: Rows) -> None:
    figure = draw(search())
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["conv1 (2,400)", "conv2 (25,600)", "conv3 (51,200)", "ip1 (65,536)", "ip2 (640)"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["validation accuracy (%)"] * 2


def test_a_deep_network_gets_a_colour_bar_with_few_names(
    search: Rows, overlapping: Callable[[Figure, Iterable[Artist]], list[str]], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(search(rounds=2, sizes=RESNET))
    bar = figure.axes[2]
    labels = [label.get_text() for label in bar.get_yticklabels()]
    assert figure.legends == []
    assert len(labels) == 9
    assert labels[0] == "stage0.block0.conv1 (2,304)" and labels[-1] == "stage2.block8.conv2 (2,304)"
    assert overlapping(figure, bar.get_yticklabels()) == []
    assert overlapping(figure, figure.axes[0].get_xticklabels()) == []
    assert not cut(figure)


def test_titles_do_not_overlap(
    search: Rows, overlapping: Callable[[Figure, Iterable[Artist]], list[str]], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(search())
    assert overlapping(figure, [*(axes.title for axes in figure.axes), figure.legends[0]]) == []
    assert not cut(figure)


def test_other_paths_are_counted_in_the_caption(search: Rows) -> None:
    table = pd.concat([search(), search(seed=1)])
    stacks = numbers(table)
    assert set(stacks.seed) == {0, 1}
    assert set(stacks.seed[stacks.drawn]) == {0}
    assert caption(draw(table)).endswith("Other paths in the table, not drawn: 1.")


def test_nine_layers_have_nine_colours(search: Rows) -> None:
    figure = draw(search(rounds=1, sizes={f"layer{position}": 100 for position in range(9)}))
    assert len({bar.get_facecolor() for bar in figure.axes[0].patches}) == 9


@pytest.mark.parametrize("rows", [0, 3])
def test_a_table_without_validation_accuracies_is_an_error(search: Rows, rows: int) -> None:
    with pytest.raises(ValueError, match=f"layers figure needs .* got none in {rows} rows"):
        draw(search().head(rows).assign(val_accuracy=None))
