from collections.abc import Callable, Iterable

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from sparsecnn.plots.convergence import draw, numbers

Row = Callable[..., dict[str, object]]
STEPS = (10, 20, 30, 35)


@pytest.fixture
def trained(row: Row) -> Callable[..., pd.DataFrame]:
    """Of seed s (from 0) the loss `level * (4 - place) + s` at each of STEPS, for each regularizer of `levels`."""

    def build(seeds: int = 11, levels: dict[str, float] | None = None, **changed: object) -> pd.DataFrame:
        rows = [
            row(0, 80.0, 1000, seed=seed, phase="train", regularizer=name, step=step, train_loss=loss, **changed)
            for name, level in (levels or {"l0_projection": 20.0, "none": 10.0}).items()
            for seed in range(seeds)
            for step, loss in zip(STEPS, (level * (4 - place) + seed for place in range(4)), strict=True)
        ]
        return pd.DataFrame(rows)

    return build


def caption(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_line_is_the_median_and_a_band_the_quantiles_over_seeds(trained: Callable[..., pd.DataFrame]) -> None:
    summary = numbers(trained())
    assert summary.regularizer.tolist() == ["none"] * 4 + ["l0_projection"] * 4
    assert summary.step.tolist() == [*STEPS, *STEPS]
    assert summary.window.tolist() == [10, 10, 10, 5] * 2
    # Eleven losses from level to level + 10: quantile q lies at level + 10 q.
    first = summary.iloc[0]
    assert (first.n, first["median"], first.low, first.high) == (11, 45.0, 41.0, 49.0)
    assert (first.lowest, first.highest) == (40.0, 50.0)


def test_only_finished_trainings_count_and_failed_ones_are_told(trained: Callable[..., pd.DataFrame]) -> None:
    table = trained(seeds=4)
    table.loc[(table.seed == 3) & (table.regularizer == "none"), "status"] = "failed"
    table.loc[(table.seed == 2) & (table.regularizer == "none"), ["step", "train_loss"]] = None
    summary = numbers(table)
    assert summary.groupby("regularizer")["n"].unique().map(list).to_dict() == {"none": [2], "l0_projection": [4]}
    assert "of n = 2 to 4 seeds; 1 failed." in caption(draw(table))


def test_the_same_run_twice_counts_once(trained: Callable[..., pd.DataFrame]) -> None:
    assert set(numbers(pd.concat([trained(), trained()])).n) == {11}


def test_two_networks_of_one_seed_are_an_error(trained: Callable[..., pd.DataFrame]) -> None:
    twice = pd.concat([trained(), trained().assign(key=lambda rows: rows.key + "again")])
    with pytest.raises(ValueError, match="got two of l0_projection with seed 0 in quick"):
        numbers(twice)


def test_runs_of_one_regularizer_are_lines_of_their_own_with_their_names(
    trained: Callable[..., pd.DataFrame],
) -> None:
    weak, strong = (trained(levels={"l1_shrinkage": 9.0}, run=run) for run in ("weak", "strong"))
    figure = draw(pd.concat([weak, strong, trained(levels={"none": 5.0}, run="plain")]))
    assert labels(figure) == ["no regularizer", "l1 shrinkage, weak", "l1 shrinkage, strong"]


def test_every_repetition_is_drawn_those_outside_the_band_too(trained: Callable[..., pd.DataFrame]) -> None:
    table = trained(levels={"none": 5.0}, seeds=11)
    table.loc[table.seed == 10, "train_loss"] = 99.0
    thin = [list(line.get_ydata()) for line in draw(table).axes[0].lines if line.get_gid() == "repetition"]
    assert len(thin) == 11
    assert [99.0] * len(thin[0]) in thin


def test_every_line_has_its_band_and_looks_different_without_colours(trained: Callable[..., pd.DataFrame]) -> None:
    levels = {"none": 5.0, "l1_shrinkage": 6.0, "l0_projection": 7.0, "other": 8.0}
    figure = draw(trained(levels=levels))
    medians = [line for line in figure.axes[0].lines if line.get_gid() == "median"]
    assert len(medians) == 4
    assert len([band for band in figure.axes[0].collections if band.get_gid() == "band"]) == 4
    assert len({(line.get_marker(), str(line.get_linestyle())) for line in medians}) == 4
    assert labels(figure) == ["no regularizer", "l1 shrinkage", "l0 projection", "other"]


def test_the_caption_says_n_the_smoothing_and_where_the_repetitions_end(
    trained: Callable[..., pd.DataFrame], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(trained())
    text = caption(figure)
    assert text.startswith("Median (thick line), 10 % to 90 % (band) and each (thin) of n = 11 seeds. Each point")
    assert "the mean over at most 10 steps" in text
    assert text.endswith("no regularizer: 10 to 20; l0 projection: 20 to 30.")
    assert figure.axes[0].get_xlabel() == "iteration (steps)"
    assert figure.axes[0].get_ylabel() == "training loss (nats)"
    assert not cut(figure)


@pytest.mark.parametrize(("factor", "scale"), [(1.0, "linear"), (0.01, "log")])
def test_losses_far_apart_get_a_logarithmic_axis(
    trained: Callable[..., pd.DataFrame],
    overlapping: Callable[[Figure, Iterable[Artist]], list[str]],
    factor: float,
    scale: str,
) -> None:
    table = trained(seeds=3, levels={"none": 10.0, "l0_projection": 11.0})
    table.loc[table.step == 35, "train_loss"] *= factor
    axes = (figure := draw(table)).axes[0]
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    ticks = [label for at, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True) if low <= at <= high]
    assert len(ticks) >= 3
    assert overlapping(figure, ticks) == []


def test_a_table_without_losses_is_an_error(row: Row) -> None:
    table = pd.DataFrame([row(0, 80.0, 1000, phase="train", step=None, train_loss=None)])
    with pytest.raises(ValueError, match="finished row of phase train with losses by steps, got none in 1 rows"):
        draw(table)
