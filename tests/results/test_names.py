"""Names of runs that differ."""

import pandas as pd

from sparsecnn.results import names_of

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
