"""The figure of turnover, on tables with known numbers."""

import json
from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from sparsecnn.plots.turnover import draw, numbers

Row = Callable[..., dict[str, object]]


@pytest.fixture
def epochs(row: Row) -> Callable[..., pd.DataFrame]:
    """Two epochs of networks of two layers, which keep 30 and 10 weights of 100 and 300.

    In the first epoch 10 % of the first layer have moved and 50 % of the second, in the second nothing; of seed 1
    twice as much.
    """

    def build(*regularizers: str, seeds: int = 2) -> pd.DataFrame:
        rows = []
        for name in regularizers or ("l0_projection", "l0_every_10"):
            for seed in range(seeds):
                budgets = json.dumps({"a": 30, "b": 10})
                network = row(10, 50, 100, seed=seed, phase="train", regularizer=name, budgets=budgets, weights=400)
                moved = {(1, "a"): 0.1, (1, "b"): 0.5, (2, "a"): 0.0, (2, "b"): 0.0}
                for (epoch, layer), share in moved.items():
                    kept = 30 if layer == "a" else 10
                    detail = {"epoch": epoch, "layer_detail": layer, "nonzeros_detail": kept}
                    rows.append({**network, **detail, "turnover": share * (1 + seed)})
        return pd.DataFrame(rows)

    return build


def test_turnover_is_that_of_all_kept_positions_in_the_mean_of_epochs(epochs: Callable[..., pd.DataFrame]) -> None:
    summary = numbers(epochs())
    assert summary.columns.tolist() == ["regularizer", "density", "seeds", "turnover", "turnover_deviation", "epochs"]
    found = summary[summary.regularizer == "l0_every_10"].iloc[0]
    # Of 40 kept positions 3 + 5 have moved in one of two epochs, under the other seed 6 + 10.
    assert (found.density, found.seeds, found.epochs) == (0.1, 2, 2.0)
    assert found.turnover == pytest.approx((10 + 20) / 2)
    assert found.turnover_deviation == pytest.approx(50**0.5)


def test_networks_without_budgets_are_left_out_and_alone_are_an_error(epochs: Callable[..., pd.DataFrame]) -> None:
    dense = epochs("none").assign(budgets=json.dumps({"a": 100, "b": 300}), key=lambda rows: rows.key + "dense")
    assert set(numbers(pd.concat([epochs(), dense])).regularizer) == {"l0_projection", "l0_every_10"}
    with pytest.raises(ValueError, match="a finished row of phase train under budgets, got none in 8 rows"):
        numbers(dense)


def test_a_line_a_regularizer_from_zero_on(epochs: Callable[..., pd.DataFrame], cut: Callable[[Figure], bool]) -> None:
    figure = draw(epochs())
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["l0 projection", "l0 projection, every 10 steps"]
    low, high = figure.axes[0].get_ylim()
    assert -0.05 * high < low < 0  # whole markers at zero
    assert not cut(figure)
