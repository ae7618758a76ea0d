import json
from collections.abc import Callable, Iterable
from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from sparsecnn.plots.layer_kinds import colours
from sparsecnn.plots.layers import draw, numbers

Rows = Callable[..., pd.DataFrame]
RESNET = {f"stage{stage}.block{block}.conv{conv}": 2304 for stage in range(3) for block in range(9) for conv in (1, 2)}


def caption(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def test_stacks_hold_each_layer_of_each_network_of_the_frontier_in_network_order(search: Rows) -> None:
    stacks = numbers(search(rounds=2))
    assert list(stacks.number.unique()) == [5, 3, 1, 0], "smallest first; those that are beaten are left out"
    first = stacks[stacks.number == 1]
    assert list(first.layer) == ["conv1", "conv2", "conv3", "ip1", "ip2"]
    assert list(first.position) == [0, 1, 2, 3, 4]
    assert list(first.nonzeros) == [1920, 20480, 40960, 52428, 512]
    assert first.density.iloc[0] == 0.8


def test_layers_have_the_kind_of_their_shape_and_shades_of_its_colour(search: Rows) -> None:
    shapes = {"conv1": [32, 3, 5, 5], "conv2": [32, 32, 5, 5], "conv3": [64, 32, 1, 1], "ip1": [64, 1024]}
    stacks = numbers(search(rounds=1).assign(layer_shapes=json.dumps(shapes)))
    kinds = stacks.drop_duplicates("position").kind.tolist()
    assert kinds == ["convolution", "convolution", "1 x 1 convolution", "inner product", "layer"]
    shades = colours(kinds)
    assert shades == ["#0072b2", "#bfdcec", "#009e73", "#d55e00", "#555555"]


def test_the_matrix_holds_the_density_of_every_layer_of_every_network(search: Rows) -> None:
    figure = draw(search(rounds=1))
    matrix = figure.axes[2]
    assert [label.get_text() for label in matrix.get_yticklabels()] == ["conv1", "conv2", "conv3", "ip1", "ip2"]
    assert [label.get_text() for label in matrix.get_xticklabels()] == ["58.6 KiB", "425.9 KiB", "567.9 KiB"]
    texts = {text.get_position(): text.get_text() for text in matrix.texts}
    assert texts[1, 0] == "80" and texts[2, 4] == "100"


def test_of_networks_whose_bars_would_overlap_the_smaller_is_drawn(row: Callable[..., dict[str, object]]) -> None:
    accuracies = [(80.0, 900), (79.99, 500), (75.0, 400), (10.0, 300)]
    rows = [row(number, *facts, accepted=True) for number, facts in enumerate(accuracies)]
    stacks = numbers(pd.DataFrame(rows))
    assert set(stacks.number[stacks.drawn]) == {1, 2}
    text = caption(draw(pd.DataFrame(rows)))
    assert "n = 4 networks on the frontier of run quick, seed 0. Without bars: 2 of them," in text


def test_no_two_bars_overlap(search: Rows) -> None:
    bars = sorted(draw(search(rounds=14)).axes[0].patches, key=lambda bar: bar.get_x())
    left = sorted({(bar.get_x(), bar.get_width()) for bar in bars})
    assert all(x + width < after for (x, width), (after, _) in pairwise(left))


def test_bars_are_centred_at_the_accuracy_and_stack_to_the_totals(search: Rows) -> None:
    figure = draw(search(rounds=1).query("number == 1"))
    raw, normalised = figure.axes[:2]
    assert {round(bar.get_x() + bar.get_width() / 2, 6) for bar in raw.patches} == {79.5}
    assert sum(bar.get_height() for bar in raw.patches) == 1920 + 20480 + 40960 + 52428 + 512
    assert sum(bar.get_height() for bar in normalised.patches) == pytest.approx(4.0, abs=1e-3)
    assert raw.patches[0].get_height() == 512, "the last layer lies at the bottom"
    assert caption(figure) == "n = 1 network on the frontier of run quick, seed 0."


def test_the_legend_names_layers_in_network_order_with_their_sizes(search: Rows) -> None:
    figure = draw(search())
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["conv1 (2,400)", "conv2 (25,600)", "conv3 (51,200)", "ip1 (65,536)", "ip2 (640)"]
    assert [axes.get_xlabel() for axes in figure.axes[:2]] == ["validation accuracy (%)"] * 2


def test_of_a_deep_network_some_layers_are_named_and_colours_stand_for_numbers(
    search: Rows, overlapping: Callable[[Figure, Iterable[Artist]], list[str]], cut: Callable[[Figure], bool]
) -> None:
    shapes = json.dumps({layer: [16, 16, 3, 3] for layer in RESNET})
    figure = draw(search(rounds=2, sizes=RESNET, layer_shapes=shapes))
    matrix, bar = figure.axes[2:]
    labels = [label.get_text() for label in matrix.get_yticklabels()]
    assert len(labels) == 11
    assert labels[:2] == ["stage0.block0.conv1", "stage0.block2.conv2"]
    assert not matrix.texts and bar.get_ylabel() == "density (%)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["convolution, 54"]
    assert overlapping(figure, matrix.get_yticklabels()) == []
    assert overlapping(figure, figure.axes[0].get_xticklabels()) == []
    assert not cut(figure)


def test_titles_do_not_overlap(
    search: Rows, overlapping: Callable[[Figure, Iterable[Artist]], list[str]], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(search())
    assert overlapping(figure, [*(axes.title for axes in figure.axes), figure.legends[0]]) == []
    assert not cut(figure)


def test_other_frontiers_are_counted_in_the_caption(search: Rows) -> None:
    table = pd.concat([search(), search(seed=1)])
    stacks = numbers(table)
    assert set(stacks.seed) == {0, 1}
    assert set(stacks.seed[stacks.drawn]) == {0}
    assert caption(draw(table)).endswith("Other frontiers in the table, not drawn: 1.")


def test_nine_layers_have_nine_colours(search: Rows) -> None:
    figure = draw(search(rounds=1, sizes={f"layer{position}": 100 for position in range(9)}))
    assert len({bar.get_facecolor() for bar in figure.axes[0].patches}) == 9


@pytest.mark.parametrize("rows", [0, 3])
def test_a_table_without_validation_accuracies_is_an_error(search: Rows, rows: int) -> None:
    with pytest.raises(ValueError, match=f"layers figure needs .* got none in {rows} rows"):
        draw(search().head(rows).assign(val_accuracy=None))
