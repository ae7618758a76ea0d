import json
from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from sparsecnn.plots.ensembles import draw, numbers

Row = Callable[..., dict[str, object]]


@pytest.fixture
def ensembles(row: Row) -> pd.DataFrame:
    """Ensembles of 1 and of 2 networks under two seeds; two together are a point better than their mean, 71."""
    rows = []
    for networks in (1, 2):
        for seed in (0, 1):
            keys = [f"{networks}-{seed}-{number}" for number in range(networks)]
            accuracies = [72.0 + seed - 2 * number for number in range(networks)]
            losses = {"val_loss": 0.9, "test_loss": 1.0}
            rows += [
                row(number, accuracy, 1000, key=key, phase="member", seed=networks * seed + number, **losses)
                for number, (key, accuracy) in enumerate(zip(keys, accuracies, strict=True))
            ]
            mean = sum(accuracies) / networks
            facts = {"phase": "ensemble", "seed": seed, "members": json.dumps(keys), "val_loss": 0.7, "test_loss": 0.8}
            rows.append(row(9, mean + networks - 1, 2048, key=f"{networks}-{seed}", share=1 / networks, **facts))
    return pd.DataFrame(rows)


def test_the_summary_holds_ensembles_beside_the_mean_of_their_networks(ensembles: pd.DataFrame) -> None:
    summary = numbers(ensembles).set_index(["what", "networks"])
    assert summary.seeds.tolist() == [2] * 4
    both, alone = summary.loc[("ensemble", 2)], summary.loc[("mean", 2)]
    assert (both.val_accuracy, both.test_accuracy, both.test_loss) == (72.5, 71.5, 0.8)
    assert (alone.val_accuracy, alone.test_accuracy, alone.test_loss) == (71.5, 70.5, 1.0)
    assert both.test_accuracy_deviation == alone.test_accuracy_deviation == pytest.approx(0.5**0.5)
    assert summary.loc[("ensemble", 1)].test_accuracy == summary.loc[("mean", 1)].test_accuracy == 71.5
    assert set(summary.file_bytes) == {2048.0}
    assert both.density == pytest.approx(0.5, abs=1e-4)


def test_two_lines_over_the_numbers_of_networks(ensembles: pd.DataFrame, cut: Callable[[Figure], bool]) -> None:
    figure = draw(pd.concat([ensembles, ensembles]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ensemble", "its networks alone, mean"]
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["1", "2"]
    caption = figure.get_supxlabel().replace("\n", " ")
    assert caption.startswith("Mean and sample standard deviation over n = 2 seeds a point. Files take 2.0 KiB.")
    assert "Densities (nonzeros of all weights), from left to right: 1, 0.5." in caption
    assert not cut(figure)


def test_tables_that_cannot_be_drawn_are_named(ensembles: pd.DataFrame, row: Row) -> None:
    with pytest.raises(ValueError, match="needs a finished row of phase ensemble, got none in 6 rows"):
        numbers(ensembles[ensembles.phase == "member"])
    with pytest.raises(ValueError, match="lacks the row of the network 2-1-1 of an ensemble"):
        numbers(ensembles[ensembles.key != "2-1-1"])
    again = ensembles[ensembles.phase == "ensemble"].assign(key="other")
    with pytest.raises(ValueError, match="got two of what ensemble, networks 1, seed 0: plot fewer runs"):
        numbers(pd.concat([ensembles, again.iloc[:1]]))
