from collections.abc import Callable, Iterable

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparsecnn.plots.frontier import draw, numbers

Rows = Callable[..., pd.DataFrame]


def lines(axes: Axes, gid: str) -> list[tuple[list[float], list[float]]]:
    found = [line for line in axes.lines if line.get_gid() == gid]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in found]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def caption(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def test_points_mark_the_frontier_of_each_run_and_seed(search: Rows) -> None:
    table = pd.concat([search(1), search(1, seed=1), search(1, run="other")])
    points = numbers(table)
    assert len(points) == len(table)
    for _, path in points.groupby(["run", "seed"]):
        assert list(path.number[path.on_frontier]) == [0, 1, 3]
    assert points.memory_share.iloc[0] == 1.0


def test_both_panels_join_the_same_candidates(search: Rows) -> None:
    validation, test = draw(search()).axes
    (val_x, val_y), (test_x, test_y) = lines(validation, "frontier")[0], lines(test, "frontier")[0]
    assert val_x == test_x == sorted(val_x)
    assert [accuracy - 1 for accuracy in val_y] == test_y


def test_axes_are_labelled_with_units_and_panels_with_their_split(search: Rows) -> None:
    figure = draw(search())
    validation, test = figure.axes
    assert validation.get_ylabel() == "accuracy (%)"
    assert validation.get_xlabel() == test.get_xlabel() == "memory of the weights (KiB)"
    assert [axes.get_title().split()[0] for axes in figure.axes] == ["Validation", "Test"]
    assert "128" in [label.get_text() for label in validation.get_xticklabels()]
    assert legend(figure) == ["frontier", "candidate", "incumbent", "dense base"]


def test_tick_labels_do_not_overlap_and_nothing_is_cut(
    search: Rows, overlapping: Callable[[Figure, Iterable[Artist]], list[str]], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(search(), 65536)
    assert overlapping(figure, [label for axes in figure.axes for label in axes.get_xticklabels()]) == []
    assert not cut(figure)


def test_collapsed_candidates_are_below_the_axis_and_counted(search: Rows) -> None:
    figure = draw(search())
    low, high = figure.axes[0].get_ylim()
    assert 60 < low < 74 and 80 < high < 83
    assert texts(figure) == ["▼ 1 of 14 lie below"] * 2
    assert lines(figure.axes[0], "below") == [([60000], [low])]


def test_nothing_is_said_when_nothing_lies_below(search: Rows) -> None:
    assert texts(draw(search().query("val_accuracy > 60"))) == []


def test_the_budget_is_drawn_and_labelled_in_both_panels(search: Rows) -> None:
    figure = draw(search().query("val_accuracy > 60"), 64 * 1024)
    assert texts(figure) == ["budget 64.0 KiB"] * 2
    assert figure.axes[0].get_xlim()[0] < 64 * 1024


def test_the_caption_counts_candidates_seeds_and_what_failed(search: Rows) -> None:
    text = caption(draw(search()))
    assert text.startswith("n = 14 candidates of run quick, seed 0 (not drawn: 1 failed). ")
    assert "chosen on validation accuracy" in text


def test_the_caption_counts_refined_winners_apart(search: Rows) -> None:
    rows = search()
    rows.loc[1, "phase"] = "refined"
    assert caption(draw(rows)).startswith("n = 13 candidates and 1 refined winners of run quick")


def test_several_runs_and_seeds_have_a_line_each_and_a_legend_by_run(search: Rows) -> None:
    figure = draw(pd.concat([search(seed=seed, run=run) for run in ("one", "two") for seed in (0, 1, 2)]))
    assert len(lines(figure.axes[0], "frontier")) == 6
    assert legend(figure)[:2] == ["one", "two"]
    assert "2 runs, seeds 0, 1, 2" in caption(figure)
    assert "mean over seeds" in caption(figure)


def test_many_runs_with_long_names_leave_the_panels_their_height(search: Rows, cut: Callable[[Figure], bool]) -> None:
    figure = draw(pd.concat([search(1, run=f"{'cifar10_' * 8}{position}") for position in range(9)]))
    assert legend(figure)[:9] == [f"…{position}" for position in range(9)]
    assert not cut(figure)
    assert figure.axes[0].get_window_extent().height > 2.0 * figure.dpi


def test_a_single_row_is_a_picture(search: Rows, cut: Callable[[Figure], bool]) -> None:
    figure = draw(search().head(1))
    assert caption(figure).startswith("n = 0 candidates")
    assert len(figure.axes[0].get_xticklabels()) >= 2
    assert not cut(figure)


def test_without_test_accuracies_there_is_one_panel(search: Rows) -> None:
    assert len(draw(search().assign(test_accuracy=None)).axes) == 1


def test_without_a_base_no_base_is_drawn(search: Rows) -> None:
    figure = draw(search().query("number > 0"))
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "*"]


@pytest.mark.parametrize("rows", [0, 3])
def test_a_table_without_validation_accuracies_is_an_error(search: Rows, rows: int) -> None:
    with pytest.raises(ValueError, match=f"finished row with a validation accuracy, got none in {rows} rows"):
        draw(search().head(rows).assign(val_accuracy=None))


def test_seeds_of_one_run_have_colours_of_their_own(search: Rows) -> None:
    figure = draw(pd.concat([search(), search(seed=1)]))
    assert legend(figure)[:3] == ["seed 0", "seed 1", "frontier"]
    colours = {line.get_color() for line in figure.axes[0].lines if line.get_gid() == "frontier"}
    assert len(colours) == 2


def test_a_network_some_bytes_smaller_and_much_worse_does_not_bend_the_line(search: Rows) -> None:
    table = search()
    smallest = table[table.status == "ok"].nsmallest(1, "memory_bytes")
    worse = smallest.assign(memory_bytes=smallest.memory_bytes - 1, val_accuracy=1.0, key="worse", accepted=False)
    both = pd.concat([table, worse], ignore_index=True)
    assert bool(numbers(both).set_index("key").loc["worse", "on_frontier"])
    assert lines(draw(both).axes[0], "frontier") == lines(draw(table).axes[0], "frontier")
    assert "Of networks within 0.5 % of each other in memory its line passes the most accurate." in caption(draw(both))
    assert "0.5 %" not in caption(draw(table))
