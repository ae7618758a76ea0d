"""Tables out of the store, and runs read from wherever they lie."""

from pathlib import Path

import pandas as pd
import pytest
from results.rows import row

from sparsecnn.errors import DataError
from sparsecnn.results import (
    STORE,
    EpochRow,
    LayerEpochRow,
    LossRow,
    RunStore,
    export,
    read_details,
    read_runs,
)


def test_exports_hold_what_the_store_holds(tmp_path: Path) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0), row(1, val_accuracy=None))
        store.add(EpochRow("r", "k0", 1, 10, 0.1, 2.0, 50.0, None, None), LayerEpochRow("r", "k0", 1, "a", 5, 0.2))
        paths = export(store, tmp_path)
        table = store.table()
    names = {f"{stem}.{ending}" for stem in ("table", "epochs", "layer_epochs") for ending in ("csv", "parquet")}
    assert {path.name for path in paths} == names
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table)
    assert pd.read_csv(tmp_path / "layer_epochs.csv").turnover.tolist() == [0.2]
    assert not list(tmp_path.glob(".*tmp"))


def with_losses(folder: Path) -> None:
    """Two networks, of which the first has losses at two steps; store and exports."""
    folder.mkdir(exist_ok=True)
    with RunStore(folder / STORE) as store:
        store.add(LossRow("r", "k0", 20, 1.0), row(1, status="failed"), row(0), LossRow("r", "k0", 10, 2.0))
        export(store, folder)


def test_losses_are_exported_where_there_are_any_in_the_order_of_steps(tmp_path: Path) -> None:
    with_losses(tmp_path)
    assert pd.read_csv(tmp_path / "losses.csv").drop(columns="run").to_numpy().tolist() == [
        ["k0", 10, 2],
        ["k0", 20, 1],
    ]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "losses.parquet"), pd.read_csv(tmp_path / "losses.csv"))


@pytest.mark.parametrize("name", ["", STORE, "table.csv", "table.parquet", "only_csv"])
def test_details_are_joined_to_the_candidates_wherever_a_run_is_read_from(tmp_path: Path, name: str) -> None:
    with_losses(tmp_path / "run")
    if name == "only_csv":
        (tmp_path / name).mkdir()
        for file in ("table.csv", "losses.csv"):
            (tmp_path / "run" / file).rename(tmp_path / name / file)
    path = tmp_path / name if name == "only_csv" else tmp_path / "run" / name
    (found,) = read_details([path], "losses").values()
    assert found[["key", "status", "step", "train_loss"]].values.tolist()[:2] == [
        ["k0", "ok", 10.0, 2.0],
        ["k0", "ok", 20.0, 1.0],
    ]
    assert found.key.tolist() == ["k0", "k0", "k1"]
    assert found.step.isna().tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["", STORE, "table.csv", "older"])
def test_a_run_without_the_details_that_are_asked_for_is_named(tmp_path: Path, name: str) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0))
        export(store, tmp_path)
        if name == "older":
            store._connection.execute("DROP TABLE losses")
    path = tmp_path if name == "older" else tmp_path / name
    with pytest.raises(DataError, match=r"holds no losses: training\.loss_every=N records them"):
        read_details([path], "losses")


@pytest.mark.parametrize("name", ["", STORE, "table.csv", "table.parquet"])
def test_a_run_is_read_from_its_folder_or_any_of_its_tables(tmp_path: Path, name: str) -> None:
    with RunStore(tmp_path / STORE) as store:
        store.add(row(0), row(1))
        export(store, tmp_path)
    assert read_runs([tmp_path / name]).key.tolist() == ["k0", "k1"]


def test_several_runs_become_one_table(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with RunStore(tmp_path / name / STORE) as store:
            store.add(row(0, run=name))
    assert read_runs([tmp_path / "one", tmp_path / "two"]).run.tolist() == ["one", "two"]


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [tmp_path / side / "demo" for side in "ab"]
    for path in paths:
        path.mkdir(parents=True)
        with RunStore(path / STORE) as store:
            store.add(row(0, run="demo"))
            export(store, path)
    assert read_runs(paths).run.tolist() == [str(path) for path in paths]
    tables = [path / "table.csv" for path in paths]
    assert read_runs(tables).run.tolist() == [f"{path}:demo" for path in tables]
    assert read_runs(paths[:1]).run.tolist() == ["demo"]
