"""Experiments end to end, small and in process: built from configurations, run twice, looked at."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from running import QUICK, SEARCH, Counting, results, run

from sparsecnn.config import build, compose, identity
from sparsecnn.errors import DivergedError
from sparsecnn.experiments import RunInfo, open_run
from sparsecnn.experiments.progress import Silent
from sparsecnn.models import ResNet, load_weights_, prunable_weights, small_cnn
from sparsecnn.results import RunStore


def test_training_over_seeds_gives_a_row_a_seed_within_budget(tmp_path: Path) -> None:
    table = run(tmp_path, "train", [*QUICK, "seeds=[0,1]", "allocation=uniform", "allocation.density=0.2"]).table
    assert table.seed.tolist() == [0, 1]
    assert set(table.status) == {"ok"}
    budgets = json.loads(table.budgets[0])
    assert sum(budgets.values()) == round(0.2 * table.weights[0])
    assert json.loads(table.layer_nonzeros[0]) == budgets
    assert table.val_loss[0] != table.val_loss[1]
    epochs = pd.read_csv(tmp_path / "epochs.csv")
    layers = pd.read_csv(tmp_path / "layer_epochs.csv")
    assert len(epochs) == 4
    assert len(layers) == 4 * len(budgets)
    assert layers.turnover.between(0, 1).all()
    assert not (tmp_path / "losses.csv").exists()


def test_a_training_may_record_its_loss_by_steps(tmp_path: Path) -> None:
    table = run(tmp_path, "train", [*QUICK, "seeds=[0,1]", "training.loss_every=7"]).table
    losses, epochs = pd.read_csv(tmp_path / "losses.csv"), pd.read_csv(tmp_path / "epochs.csv")
    assert losses.columns.tolist() == ["run", "key", "step", "train_loss"]
    for key, steps in zip(table.key, table.steps, strict=True):
        own = losses[losses.key == key]
        assert own.step.tolist() == [*range(7, steps, 7), steps]
        assert own.train_loss.iloc[-1] < own.train_loss.iloc[0]
        window = own.step.diff().fillna(7)
        mean = (own.train_loss * window).sum() / steps  # but for the short last batch of an epoch
        assert mean == pytest.approx(epochs[epochs.key == key].train_loss.mean(), rel=0.02)


def test_a_training_that_does_not_hold_its_budgets_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sparse = ["allocation=explicit", "allocation.budgets={conv2: 5}"]
    run(tmp_path / "a", "train", [*QUICK, *sparse])
    assert "does not hold" not in caplog.text
    run(tmp_path / "b", "train", [*QUICK, *sparse, "regularizer=none"])
    assert "seed 0: the regularizer does not hold the budget of conv2" in caplog.text


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1"])
    again = Counting()
    second = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1"], again)
    assert again.titles == []
    pd.testing.assert_frame_equal(first.table, second.table)


def test_a_longer_search_goes_on_where_a_shorter_one_ended(tmp_path: Path) -> None:
    run(tmp_path / "a", "greedy_search", [*SEARCH, "search.rounds=1"])
    continued = run(tmp_path / "a", "greedy_search", [*SEARCH, "search.rounds=2"])
    whole = run(tmp_path / "b", "greedy_search", [*SEARCH, "search.rounds=2"])
    pd.testing.assert_frame_equal(results(continued.table), results(whole.table))


def test_the_search_keeps_the_weights_of_incumbents_only(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=2", "tighten=factor", "solver@search.refine=refine", "search.refine.epochs=0.5"]
    table = run(tmp_path, "greedy_search", options).table
    kept = {path.stem for path in (tmp_path / "checkpoints").iterdir()}
    assert kept == set(table[table.accepted].key)
    assert table[table.accepted]["round"].tolist() == [0, 1, 2]
    assert table.phase.value_counts().to_dict() == {"candidate": 10, "refined": 2, "base": 1}
    for _, row in table[table.accepted].iterrows():
        model = small_cnn()
        load_weights_(model, tmp_path / "checkpoints" / f"{row.key}.safetensors")
        nonzeros = {name: int(weight.count_nonzero()) for name, weight in prunable_weights(model).items()}
        assert nonzeros == json.loads(row.layer_nonzeros)
        assert all(nonzeros[name] <= budget for name, budget in json.loads(row.budgets).items())


def test_every_candidate_row_is_complete(tmp_path: Path) -> None:
    table = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1", "search.target_memory=1/2"]).table
    unknown = {"parent", "layer", "members", "error", "test_top5_accuracy"}  # the last one: of ten digits
    assert not table.drop(columns=list(unknown)).isna().any(axis=None)
    candidates = table[table.phase == "candidate"]
    assert (candidates.parent == table.key[0]).all()
    assert (candidates.memory_bytes < table.memory_bytes[0]).all()
    assert table.memory_bytes[0] == table.dense_bytes[0] == 4 * (table.weights[0] + 186)


def test_a_target_out_of_reach_is_said_and_everything_is_recorded(tmp_path: Path) -> None:
    outcome = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1", "search.target_memory=1KiB"])
    assert outcome.shortfall is not None
    assert outcome.shortfall.startswith("the target of 1.0 KiB is not reached: the search ended at 126")
    assert len(outcome.table) > 1


def test_a_search_that_accepts_nothing_says_so(tmp_path: Path) -> None:
    outcome = run(tmp_path, "greedy_search", [*SEARCH, "search.accuracy_floor=100"])
    assert outcome.shortfall == "nothing was accepted: the best candidate is below the accuracy floor"
    assert outcome.table.accepted.tolist() == [True] + [False] * (len(outcome.table) - 1)


def test_a_diverging_candidate_is_a_failed_row_and_the_search_goes_on(tmp_path: Path) -> None:
    options = [*SEARCH, "search.rounds=2", "search.retrain.learning_rate=1e30"]
    outcome = run(tmp_path, "greedy_search", options)
    candidates = outcome.table[outcome.table.phase == "candidate"]
    assert set(candidates.status) == {"failed"}
    assert candidates.error.str.fullmatch(r"the loss is not finite at step \d+").all()
    assert candidates.memory_bytes.isna().all()
    assert outcome.shortfall == "nothing was accepted: every candidate of the round failed"


def test_a_diverging_base_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="the dense base failed: the loss is not finite at step"):
        run(tmp_path, "greedy_search", [*SEARCH, "solver.learning_rate=1e30"])


def test_a_training_in_which_every_seed_diverges_fails(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="every training failed"):
        run(tmp_path, "train", [*QUICK, "solver.learning_rate=1e30"])


def test_without_a_validation_split_training_measures_test_only(tmp_path: Path) -> None:
    table = run(tmp_path, "train", [*QUICK, "validation.share=0"]).table
    assert table.val_accuracy.isna().all()
    assert table.test_accuracy.notna().all()


def test_what_is_measured_and_kept_has_the_width_in_which_it_is_stored(tmp_path: Path) -> None:
    table = run(tmp_path, "train", [*QUICK, "storage.value_bits=16"]).table
    model = small_cnn(in_channels=1, image_size=8, classes=10)
    load_weights_(model, tmp_path / "seed0.safetensors")
    assert all(torch.equal(value, value.half().float()) for value in model.state_dict().values())
    assert table.memory_bytes[0] == table.dense_bytes[0] == 2 * sum(value.numel() for value in model.parameters())


def test_another_floor_neither_loses_weights_nor_ends_a_run_for_good(tmp_path: Path) -> None:
    floor, longer = ["search.accuracy_floor=99.99"], ["search.rounds=2"]
    undisturbed = run(tmp_path / "a", "greedy_search", [*SEARCH, *longer]).table
    assert run(tmp_path / "b", "greedy_search", [*SEARCH, *longer, *floor]).shortfall is not None
    for overrides in ([*SEARCH, "search.rounds=1"], [*SEARCH, "search.rounds=1", *floor], [*SEARCH, *longer]):
        table = run(tmp_path / "b", "greedy_search", overrides).table
        kept = {path.stem for path in (tmp_path / "b" / "checkpoints").iterdir()}
        assert kept == set(table[table.accepted].key)
    pd.testing.assert_frame_equal(results(table), results(undisturbed))


def test_weights_that_are_gone_are_trained_again(tmp_path: Path) -> None:
    first = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1"]).table
    weights = {path: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()}
    for path in weights:
        path.unlink()
    again = Counting()
    run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=2"], again)
    assert len(again.titles) > 2
    assert {path: path.read_bytes() for path in weights if path.exists()} == weights
    assert len(weights) == int(first.accepted.sum())


def test_a_network_whose_loss_cannot_be_measured_is_a_failed_one(tmp_path: Path) -> None:
    # One step, which is checked before it is taken, throws the weights out of range.
    options = [*SEARCH, "search.rounds=1", "search.retrain.steps=1", "search.retrain.learning_rate=1e38"]
    for _ in range(2):
        outcome = run(tmp_path, "greedy_search", options)
        assert set(outcome.table[outcome.table["round"] == 1].status) == {"failed"}
        assert outcome.shortfall == "nothing was accepted: every candidate of the round failed"
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


@pytest.mark.parametrize("regularizer", ["l1_shrinkage", "threshold_once", "threshold_fixed_mask", "none"])
def test_under_any_regularizer_candidates_end_within_their_budgets(tmp_path: Path, regularizer: str) -> None:
    options = [*SEARCH, "search.rounds=1", f"regularizer={regularizer}", "tighten=factor", "tighten.factor=0.1"]
    table = run(tmp_path, "greedy_search", options).table
    for _, row in table[table.phase == "candidate"].iterrows():
        nonzeros, budgets = json.loads(row.layer_nonzeros), json.loads(row.budgets)
        assert nonzeros[row.layer] <= budgets[row.layer]


def test_two_seeds_are_two_searches_in_one_table(tmp_path: Path) -> None:
    both = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1", "seeds=[0,1]"]).table
    assert both[both.accepted].groupby("seed").size().to_dict() == {0: 2, 1: 2}
    assert both.key.is_unique
    alone = run(tmp_path / "alone", "greedy_search", [*SEARCH, "search.rounds=1", "seeds=[1]"]).table
    pd.testing.assert_frame_equal(results(both[both.seed == 1].reset_index(drop=True)), results(alone))


def test_a_network_with_batch_norm_can_be_searched(tmp_path: Path) -> None:
    options = [*SEARCH, "model=resnet20", "model.depth=8", "search.rounds=1", "tighten=factor"]
    table = run(tmp_path, "greedy_search", options).table
    assert table.layer.dropna().tolist() == list(prunable_weights(ResNet(8, in_channels=1)))


def test_tensorboard_gets_the_epochs(tmp_path: Path) -> None:
    from sparsecnn.experiments.tensorboard import TensorBoardLog

    composed = compose("train", QUICK)
    makes = identity(composed)
    info = RunInfo(tmp_path, composed.text(), (), makes, composed.choices)
    log = TensorBoardLog(tmp_path / "tensorboard")
    with open_run(info) as opened:
        build(composed.nodes).execute(opened, makes, Silent(), (log,))
    assert len(list((tmp_path / "tensorboard").rglob("events.out.*"))) == 2


def test_a_finished_row_stays_when_its_network_is_trained_again_and_stopped(tmp_path: Path) -> None:
    first = run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=1"]).table
    for path in (tmp_path / "checkpoints").iterdir():
        path.unlink()

    class Stops(Counting):
        def step(self, done: int, steps: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "greedy_search", [*SEARCH, "search.rounds=2"], Stops())
    with RunStore(tmp_path / "results.sqlite") as store:
        table = store.table()
    pd.testing.assert_frame_equal(table[table.key.isin(first.key)].reset_index(drop=True), first)
