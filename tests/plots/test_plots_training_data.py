from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from sparsecnn.plots.training_data import draw, numbers

Row = Callable[..., dict[str, object]]
DENSITIES = {"none": 1.0, "l1_shrinkage": 0.25, "l0_projection": 0.1}


@pytest.fixture
def trained(row: Row) -> Callable[..., pd.DataFrame]:
    """Two numbers of images and `seeds` seeds of each regularizer; accuracies 60 and 70 plus the seed."""

    def build(seeds: int = 3) -> pd.DataFrame:
        rows = [
            row(
                images,
                50 + images / 100 + seed,
                1000,
                share=share,
                seed=seed,
                phase="train",
                regularizer=name,
                train_images=images,
            )
            for name, share in DENSITIES.items()
            for images in (1000, 2000)
            for seed in range(seeds)
        ]
        return pd.DataFrame(rows)

    return build


def test_the_summary_holds_mean_and_sample_deviation_over_seeds(trained: Callable[..., pd.DataFrame]) -> None:
    summary = numbers(trained())
    assert list(summary.columns) == [
        *("regularizer", "train_images", "seeds", "val_accuracy", "val_accuracy_deviation"),
        *("test_accuracy", "test_accuracy_deviation", "density"),
    ]
    assert summary.train_images.tolist() == [1000, 2000] * 3
    found = summary[(summary.regularizer == "l1_shrinkage") & (summary.train_images == 2000)].iloc[0]
    assert (found.seeds, found.val_accuracy, found.val_accuracy_deviation) == (3, 71.0, 1.0)
    assert (found.test_accuracy, found.test_accuracy_deviation) == (70.0, 1.0)
    assert found.density == pytest.approx(0.25, abs=1e-4)


def test_networks_in_two_tables_count_once_and_older_rows_not_at_all(trained: Callable[..., pd.DataFrame]) -> None:
    older = trained().assign(train_images=None, key=lambda rows: rows.key + "old")
    assert set(numbers(pd.concat([trained(), trained(), older])).seeds) == {3}


@pytest.mark.parametrize("name", ["model", "data"])
def test_seeds_of_several_networks_or_data_sets_are_no_repetitions(
    trained: Callable[..., pd.DataFrame], name: str
) -> None:
    table = trained()
    mixed = table.assign(**{name: table.seed.map({0: "b", 1: "a", 2: "a"})})
    with pytest.raises(ValueError, match=f"a point stands for one {name}, got a, b: plot fewer runs"):
        numbers(mixed)


def test_two_different_rows_of_one_seed_are_an_error(trained: Callable[..., pd.DataFrame]) -> None:
    twice = pd.concat([trained(), trained().assign(key=lambda rows: rows.key + "again")])
    with pytest.raises(ValueError, match="got two of regularizer none, train_images 1000, seed 0: plot fewer runs"):
        numbers(twice)


def test_a_line_a_regularizer_and_a_tick_a_number_of_images(
    trained: Callable[..., pd.DataFrame], cut: Callable[[Figure], bool]
) -> None:
    figure = draw(trained())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "no regularizer",
        "l1 shrinkage",
        "l0 projection",
    ]
    assert [axes.get_title() for axes in figure.axes] == ["Validation", "Test"]
    for axes in figure.axes:
        assert axes.get_xscale() == "log"
        assert [text.get_text() for text in axes.get_xticklabels()] == ["1,000", "2,000"]
        assert axes.get_xlabel() == "training images"
        assert len(axes.containers) == 3
    caption = figure.get_supxlabel().replace("\n", " ")
    assert caption.startswith("Mean and sample standard deviation over n = 3 seeds a point. Mean densities")
    assert "no regularizer 1; l1 shrinkage 0.25; l0 projection 0.1." in caption
    assert not cut(figure)


def test_without_validation_there_is_one_panel(trained: Callable[..., pd.DataFrame]) -> None:
    figure = draw(trained(seeds=1).assign(val_accuracy=None))
    assert [axes.get_title() for axes in figure.axes] == ["Test"]
    assert "n = 1 seed a point" in figure.get_supxlabel()


def test_a_table_that_says_no_images_is_an_error(trained: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(ValueError, match="finished row of phase train with train_images, got none in 18 rows"):
        numbers(trained().assign(train_images=None))
    with pytest.raises(ValueError, match="must have the column"):
        numbers(trained().drop(columns="train_images"))
