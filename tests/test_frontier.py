import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsecnn.errors import OutOfReachError
from sparsecnn.frontier import best_within, finished, frontier_table, pareto, require_columns, spaced, whole_networks


def table(*candidates: tuple[int, float | None], **columns: object) -> pd.DataFrame:
    """One finished row for each (memory in bytes, validation accuracy); `columns` override the others."""
    facts: dict[str, object] = {
        "run": "a",
        "key": [f"k{position}" for position in range(len(candidates))],
        "round": range(len(candidates)),
        "phase": "candidate",
        "status": "ok",
        "accepted": False,
        "seed": 0,
        "nonzeros": 50,
        "weights": 200,
        "memory_bytes": [memory for memory, _ in candidates],
        "dense_bytes": 800,
        "val_accuracy": [accuracy for _, accuracy in candidates],
        "test_accuracy": 70.0,
    }
    return pd.DataFrame({**facts, **columns})


def test_the_frontier_rises_with_memory_and_leaves_out_what_is_beaten() -> None:
    front = pareto(table((300, 80.0), (100, 60.0), (200, 59.0), (250, 75.0)))
    assert list(front.memory_bytes) == [100, 250, 300]
    assert list(front.val_accuracy) == [60.0, 75.0, 80.0]


def test_among_equal_accuracies_the_smallest_stays_and_among_twins_the_first() -> None:
    assert list(pareto(table((200, 70.0), (100, 70.0), (100, 70.0))).key) == ["k1"]


def test_among_twins_one_whose_weights_are_kept_stays() -> None:
    assert list(pareto(table((100, 70.0), (100, 70.0), accepted=[False, True])).key) == ["k1"]


def test_failed_rows_and_missing_accuracies_are_left_out() -> None:
    rows = table((10, 99.0), (20, None), (30, 50.0), status=["failed", "ok", "ok"])
    assert list(pareto(rows).key) == ["k2"]


def test_a_table_without_validation_accuracies_has_an_empty_frontier_with_all_columns() -> None:
    rows = table((10, None), (20, None))
    assert pareto(rows).empty
    assert list(pareto(rows).columns) == list(rows.columns)


def test_an_empty_table_has_an_empty_frontier() -> None:
    assert pareto(table()).empty
    assert frontier_table(table()).empty


def test_the_frontier_can_describe_another_column() -> None:
    rows = table((100, 90.0), (200, 80.0), test_accuracy=[60.0, 70.0])
    assert list(pareto(rows).key) == ["k0"]
    assert list(pareto(rows, "test_accuracy").key) == ["k0", "k1"]


candidates = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.one_of(st.just(math.nan), st.integers(0, 5).map(float)),
        st.sampled_from(["ok", "ok", "failed"]),
    ),
    max_size=12,
)


def reference(rows: list[tuple[int, float, str]]) -> set[int]:
    """Positions on the frontier, by comparing each row with each other."""
    usable = [(i, m, a) for i, (m, a, status) in enumerate(rows) if status == "ok" and not math.isnan(a)]

    def beaten(i: int, memory: int, accuracy: float) -> bool:
        return any(
            (m <= memory and a >= accuracy) and ((m, a) != (memory, accuracy) or j < i) for j, m, a in usable if j != i
        )

    return {i for i, m, a in usable if not beaten(i, m, a)}


@given(candidates)
def test_the_frontier_is_what_comparing_all_pairs_leaves(rows: list[tuple[int, float, str]]) -> None:
    frame = table(*[(memory, accuracy) for memory, accuracy, _ in rows], status=[status for *_, status in rows])
    front = pareto(frame)
    assert set(front.index) == reference(rows)
    assert front.memory_bytes.is_monotonic_increasing and front.val_accuracy.is_monotonic_increasing


def test_each_run_and_seed_has_its_own_frontier_and_its_own_base() -> None:
    rows = table(
        (800, 90.0),
        (800, 89.0),
        (200, 85.0),
        (100, 80.0),
        (50, 70.0),
        phase=["base", "base", "candidate", "candidate", "candidate"],
        seed=[0, 1, 0, 1, 2],
        accepted=[True, True, False, True, False],
        test_accuracy=[88.0, 86.0, 84.0, 79.0, 69.0],
    )
    shown = frontier_table(rows)
    assert list(shown.seed) == [0, 0, 1, 1, 2]
    assert list(shown.memory_bytes) == [200, 800, 100, 800, 50]
    assert list(shown.test_points_lost[:4]) == [4.0, 0.0, 7.0, 0.0]
    assert math.isnan(shown.test_points_lost[4])
    assert list(shown.memory_share) == [0.25, 1.0, 0.125, 1.0, 0.0625]
    assert list(shown.compression) == [4.0, 1.0, 8.0, 1.0, 16.0]
    assert set(shown.density) == {0.25}
    assert list(shown.weights_kept) == [False, True, True, True, False]


def test_a_failed_base_gives_no_points_lost() -> None:
    rows = table((800, None), (100, 80.0), phase=["base", "candidate"], status=["failed", "ok"])
    assert frontier_table(rows).test_points_lost.isna().all()


def test_the_best_within_a_budget_is_the_most_accurate_network_that_fits_and_is_kept() -> None:
    rows = table((300, 80.0), (100, 60.0), (250, 75.0), (250, 75.0), (240, 79.0), accepted=[True] * 4 + [False])
    assert list(best_within(rows, 299).key) == ["k2"]
    assert list(best_within(rows, 300).key) == ["k0"]
    assert list(best_within(rows, "1/8").key) == ["k1"]


def test_each_run_and_seed_has_its_own_best() -> None:
    rows = table((100, 60.0), (100, 61.0), (90, 50.0), accepted=True, seed=[0, 1, 1])
    assert list(best_within(rows, 100).key) == ["k0", "k1"]


def test_a_training_is_kept_though_no_search_accepted_it() -> None:
    assert list(best_within(table((100, 60.0), phase="train"), 100).key) == ["k0"]


@pytest.mark.parametrize(
    ("rows", "budget", "message"),
    [
        (
            table((300, 80.0), (100, 60.0), accepted=True),
            99,
            "a, seed 0: no network takes at most 99 bytes; the smallest ",
        ),
        (
            table((300, 80.0), status="failed", accepted=True),
            1000,
            "no network takes at most 1000 bytes; none is finished",
        ),
    ],
)
def test_a_budget_that_nothing_fits_is_out_of_reach(rows: pd.DataFrame, budget: int, message: str) -> None:
    with pytest.raises(OutOfReachError, match=message):
        best_within(rows, budget)


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match=r"must have the column.* status"):
        finished(pd.DataFrame({"key": ["a"]}))
    with pytest.raises(ValueError, match="b, c"):
        require_columns(pd.DataFrame({"a": [1]}), ["a", "b", "c"])


def test_networks_of_an_ensemble_do_not_stand_for_themselves_unless_it_is_unfinished() -> None:
    phases = ["member", "member", "ensemble"]
    rows = table((100, 60.0), (100, 61.0), (200, 62.0), phase=phases, seed=[0, 1, 0])
    assert whole_networks(rows).key.tolist() == ["k2"]
    assert pareto(rows).key.tolist() == ["k2"]
    assert whole_networks(rows.iloc[:2]).key.tolist() == ["k0", "k1"]


def test_of_networks_of_nearly_one_memory_the_most_accurate_stays() -> None:
    frontier = pareto(table((1000, 60.0), (1003, 70.0), (1020, 71.0), (2000, 80.0)))
    assert list(spaced(frontier)["memory_bytes"]) == [1003, 1020, 2000]
    assert spaced(frontier.iloc[:0]).empty
