"""Names of runs that differ."""

from pathlib import Path

import pandas as pd

from sparsecnn.results import named, names_of

FACTS = {"model": "m", "data": "d", "allocation": "lamp", "nonzeros": 10, "weights": 40}


def _runs(**differing: list[object]) -> pd.DataFrame:
    count = len(next(iter(differing.values())))
    runs = [f"m-d-{number:08x}" for number in range(count)]
    return pd.DataFrame({"run": runs, "regularizer": "none", "train_images": 100, **FACTS, **differing})


def test_runs_are_named_by_what_they_differ_in_and_ordered_by_numbers() -> None:
    names = names_of(_runs(regularizer=["l1", "l1", "l0"], train_images=[27_001, 3_375, 27_001]))
    assert list(names.items()) == [
        ("m-d-00000002", "l0, 27,001 images"),
        ("m-d-00000001", "l1, 3,375 images"),
        ("m-d-00000000", "l1, 27,001 images"),
    ]


def test_ensembles_are_named_by_their_networks_and_projections_by_density() -> None:
    assert list(names_of(_runs(members=['["a", "b"]', '["c"]'])).values()) == ["1 network", "2 networks"]
    assert list(names_of(_runs(nonzeros=[10, 2])).values()) == ["density 0.05", "density 0.25"]


def test_names_that_were_given_stay() -> None:
    given = _runs(regularizer=["l1", "l0"]).assign(run=["small", "m-d-00000001"])
    assert names_of(given) == {"small": "small", "m-d-00000001": "m-d-00000001"}


def test_runs_that_rows_do_not_tell_apart_keep_their_names() -> None:
    assert names_of(_runs(regularizer=["l1", "l1"])) == {"m-d-00000000": "m-d-00000000", "m-d-00000001": "m-d-00000001"}


def test_rows_without_a_network_say_what_they_can() -> None:
    empty = {"nonzeros": [None, None], "weights": [None, None], "train_images": [None, None]}
    assert list(names_of(_runs(regularizer=["l1", "l0"], **empty)).values()) == ["l0", "l1"]
    assert set(names_of(_runs(**empty))) == set(names_of(_runs(**empty)).values())


def test_versions_in_names_are_no_reason_to_fail() -> None:
    assert list(names_of(_runs(model=["net1.10.2", "net1.2.3"])).values()) == ["net1.10.2", "net1.2.3"]


def test_tables_are_named_and_put_in_the_order_of_the_names() -> None:
    rows = _runs(train_images=[500, 20])
    tables = {Path(str(place)): rows.iloc[[place]] for place in (0, 1)}
    assert [(path.name, list(table.run)) for path, table in named(tables).items()] == [
        ("1", ["20 images"]),
        ("0", ["500 images"]),
    ]
