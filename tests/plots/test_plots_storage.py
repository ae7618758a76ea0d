import numpy as np
import pandas as pd
import pytest

from sparsecnn.packing import format_table
from sparsecnn.plots.storage import draw, numbers


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    sparse = (random.normal(size=(8, 4, 5, 5)) * (random.random((8, 4, 5, 5)) < 0.2)).astype(np.float32)
    return format_table({"conv1": sparse, "ip1": np.ones((4, 30), np.float32)}).assign(network="net")


def test_bytes_are_those_of_the_formulas(table: pd.DataFrame) -> None:
    conv1 = table[table.layer == "conv1"].set_index("way")
    nonzeros = conv1.nonzeros.iloc[0]
    assert conv1.bytes["dense"] == 4 * 800
    assert conv1.bytes["bitmask"] == 100 + 4 * nonzeros
    assert conv1.position_bytes["bitmask"] == 100
    assert conv1.bound_bytes["rice"] == conv1.position_bound_bytes["rice"] + 4 * nonzeros
    assert conv1.bytes["int5 coded"] < conv1.bytes["int8 coded"] < conv1.bytes["float32 coded"] < conv1.bytes["rice"]


def test_the_last_rows_are_sums_over_all_layers(table: pd.DataFrame) -> None:
    rows = numbers(table)
    total = rows[rows.layer == "all layers"].set_index("way")
    assert (total.bytes == table.groupby("way").bytes.sum()[total.index]).all()
    assert total.over_bound["dense"] == pytest.approx(4 * 920 / total.bound_bytes["dense"])


def test_a_layer_with_one_possible_mask_has_no_share_of_its_positions(table: pd.DataFrame) -> None:
    rows = numbers(table)
    assert rows[rows.layer == "ip1"].position_over_bound.isna().all()
    assert rows[rows.layer == "conv1"].set_index("way").position_over_bound.drop("dense").notna().all()


def test_both_panels_name_their_bound_and_every_way_has_a_marker(table: pd.DataFrame) -> None:
    figure = draw(table)
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == [
        f"conv1 ({table.nonzeros[0] / 800:.3f})",
        "ip1 (1.000)",
        f"all layers ({(table.nonzeros[0] + 120) / 920:.3f})",
    ]
    names = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in (left, right)]
    assert names[0] == ["bound, log2 C(N, z)", "bitmask", "csr", "relative 4", "relative 8", "rice", "adaptive"]
    coded = [f"{kind}, entropy-coded" for kind in ("float32", "int8", "int5")]
    assert names[1] == ["dense float32", "cheapest format, raw float32", *coded, "bound, log2 C(N, z) + 32 z"]
    assert [text.get_text() for text in left.texts] == ["nothing to tell: one mask"]
    assert "Network net" in figure.get_supxlabel()


def test_markers_stand_at_the_bytes_of_the_table(table: pd.DataFrame) -> None:
    _left, right = draw(table).axes
    lines = {line.get_label(): line.get_xdata().tolist() for line in right.lines}
    ways = {way: rows.bytes.tolist() for way, rows in numbers(table).groupby("way")}
    assert lines["dense float32"] == ways["dense"]
    assert lines["int8, entropy-coded"] == ways["int8 coded"]
    raw = [way for way in ways if way != "dense" and not way.endswith("coded")]
    assert lines["cheapest format, raw float32"][0] == min(ways[way][0] for way in raw)


def test_a_network_that_keeps_every_weight_can_be_drawn() -> None:
    table = format_table({"ip1": np.ones((4, 30), np.float32)}).assign(network="net")
    left, _right = draw(table).axes
    assert len(left.texts) == 2


def test_an_empty_table_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="needs at least one layer"):
        draw(table.iloc[:0])
    with pytest.raises(ValueError, match="the table must have the column"):
        draw(table.drop(columns="bytes"))
