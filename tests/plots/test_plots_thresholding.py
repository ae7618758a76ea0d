from collections.abc import Callable, Iterable

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from sparsecnn.plots.thresholding import draw, numbers

Row = Callable[..., dict[str, object]]
DROPS = {"l0_projection": 0.0, "threshold_fixed_mask": 1.0, "threshold_once": 40.0}


@pytest.fixture
def trained(row: Row) -> Callable[..., pd.DataFrame]:
    """Two densities and `seeds` seeds of each regularizer of `drops` (points below l0 projection)."""

    def build(seeds: int = 3, drops: dict[str, float] | None = None) -> pd.DataFrame:
        rows = [
            row(1, 81 + share - drop + seed, 1000, share=share, seed=seed, phase="train", regularizer=name)
            for name, drop in (DROPS if drops is None else drops).items()
            for share in (0.5, 0.1)
            for seed in range(seeds)
        ]
        return pd.DataFrame(rows)

    return build


def caption(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def test_the_summary_holds_mean_and_sample_deviation_over_seeds(trained: Callable[..., pd.DataFrame]) -> None:
    summary = numbers(trained())
    assert list(summary.regularizer) == sorted([*DROPS, *DROPS])
    row = summary[summary.regularizer == "threshold_once"].iloc[0]
    assert row.density == pytest.approx(0.1, abs=1e-4)
    assert row.seeds == row.pairs == 3
    assert row.test_accuracy == pytest.approx(41.1)
    assert row.test_accuracy_deviation == pytest.approx(1.0)
    assert row.l0_ahead_points == pytest.approx(40.0)
    assert row.l0_ahead_points_deviation == pytest.approx(0.0)


def test_l0_projection_is_not_compared_with_itself(trained: Callable[..., pd.DataFrame]) -> None:
    summary = numbers(trained())
    assert set(summary.pairs[summary.regularizer == "l0_projection"]) == {0}


def test_the_same_network_in_two_tables_counts_once(trained: Callable[..., pd.DataFrame]) -> None:
    assert set(numbers(pd.concat([trained(), trained()])).seeds) == {3}


def test_two_different_rows_of_one_seed_are_an_error(trained: Callable[..., pd.DataFrame]) -> None:
    twice = pd.concat([trained(), trained().assign(key=lambda rows: rows.key + "again")])
    with pytest.raises(ValueError, match="got two of l0_projection with seed 0: plot fewer runs"):
        numbers(twice)


def test_where_budgets_bind_nothing_the_seeds_of_a_run_are_repetitions(row: Row) -> None:
    facts = {"phase": "train", "regularizer": "l1_shrinkage", "budgets": '{"conv1": 145376}'}
    rows = [
        row(1, 70.0 + seed, 1000, run=run, seed=seed, share=share, **facts)
        for run, share in (("weak", 0.5), ("strong", 0.1))
        for seed in (0, 1)
    ]
    summary = numbers(pd.DataFrame(rows))
    assert list(summary.seeds) == [2, 2]
    assert list(summary.density.round(2)) == [0.1, 0.5]


def test_an_allocation_may_share_out_the_same_sum_otherwise_under_each_seed(row: Row) -> None:
    budgets = ['{"conv1": 1000, "ip1": 15000}', '{"conv1": 2000, "ip1": 14000}']
    rows = [
        row(1, 70.0 + seed, 1000, seed=seed, share=0.1, phase="train", budgets=text, regularizer=name, allocation=whose)
        for name in ("l0_projection", "threshold_once")
        for whose in ("lamp", "uniform")
        for seed, text in enumerate(budgets)
    ]
    summary = numbers(pd.DataFrame(rows))
    assert list(summary.seeds) == [2, 2, 2, 2]
    assert list(summary.pairs) == [0, 0, 2, 2]


def test_budgets_that_are_not_enforced_do_not_make_repetitions(row: Row) -> None:
    facts = {"phase": "train", "regularizer": "none", "share": 1.0, "budgets": '{"conv1": 10}'}
    rows = [row(1, 80.0, 1000, run=run, **facts) for run in ("one", "two")]
    assert list(numbers(pd.DataFrame(rows)).seeds) == [1, 1]


def test_lines_have_the_names_of_the_paper_in_its_order(trained: Callable[..., pd.DataFrame]) -> None:
    figure = draw(trained(drops={**DROPS, "other": 3.0}))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["l0 projection", "threshold once", "threshold, fixed-mask fine-tune", "other"]
    assert figure.axes[0].get_ylabel() == "test accuracy (%)"
    assert figure.axes[0].get_xlabel() == "density: nonzeros of all weights (%)"
    assert len(figure.axes[0].containers) == 4 and len(figure.axes[1].containers) == 3


def test_wide_differences_get_a_logarithmic_axis_that_the_caption_names(
    trained: Callable[..., pd.DataFrame],
    overlapping: Callable[[Figure, Iterable[Artist]], list[str]],
    cut: Callable[[Figure], bool],
) -> None:
    figure = draw(trained())
    axes = figure.axes[1]
    assert axes.get_yscale() == "symlog"
    assert axes.get_ylim()[0] == -1.0 and axes.get_ylim()[1] > 40
    labels = {text.get_text() for text in axes.get_yticklabels()}
    assert labels == {"0", "\N{MINUS SIGN}1", "+1", "+2", "+5", "+10", "+20", "+50"}
    assert "logarithmic beyond" in caption(figure)
    assert overlapping(figure, [*axes.get_yticklabels(), *axes.get_xticklabels()]) == []
    assert not cut(figure)


def test_small_differences_keep_a_linear_axis(trained: Callable[..., pd.DataFrame]) -> None:
    figure = draw(trained(drops={"l0_projection": 0.0, "threshold_fixed_mask": 1.0}))
    assert figure.axes[1].get_yscale() == "linear"
    assert caption(figure).startswith("Mean and sample standard deviation over n = 3 seeds a point.")


def test_without_l0_projection_there_is_no_second_panel(
    trained: Callable[..., pd.DataFrame], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(trained(seeds=1, drops={"threshold_once": 1.0}))
    assert len(figure.axes) == 1
    assert caption(figure).startswith("n = 1 seed a point")
    assert not cut(figure)


def test_unequal_numbers_of_seeds_are_a_range_in_the_caption(trained: Callable[..., pd.DataFrame]) -> None:
    assert "n = 2 to 3 seeds" in caption(draw(trained().iloc[1:]))


def test_a_table_without_trained_rows_is_an_error(row: Row) -> None:
    with pytest.raises(ValueError, match="finished row of phase train with a test accuracy, got none in 1 rows"):
        draw(pd.DataFrame([row(0, 80.0, 1000)]))
