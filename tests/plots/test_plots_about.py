"""What captions say of networks and their trainings."""

import pandas as pd
import pytest

from sparsecnn.plots.about import about

ROW = {"model": "lenet", "data": "mnist", "phase": "train", "status": "ok", "epochs": 1.0}


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{}], "lenet on mnist, trained for 1 epoch. "),
        ([{"epochs": 0.5}, {"epochs": 12.25}], "lenet on mnist, trained for 0.5 to 12.2 epochs. "),
        ([{"data": "parquet"}], "lenet, trained for 1 epoch. "),
        (
            [{"phase": "base", "epochs": 6}, {"phase": "candidate"}],
            "lenet on mnist, its dense base trained for 6 epochs. ",
        ),
        ([{"phase": "base", "epochs": 0}, {"phase": "candidate"}], "lenet on mnist. "),
        (
            [{"model": "a"}, {"model": "b"}, {"model": "c", "status": "failed"}],
            "a and b on mnist, trained for 1 epoch. ",
        ),
        ([{"model": None}], ""),
    ],
)
def test_captions_begin_with_networks_images_and_trainings(rows: list[dict[str, object]], text: str) -> None:
    assert about(pd.DataFrame([{**ROW, **row} for row in rows])) == text


def test_nothing_is_said_of_a_table_that_does_not_tell() -> None:
    assert about(pd.DataFrame([{"status": "ok"}])) == ""
