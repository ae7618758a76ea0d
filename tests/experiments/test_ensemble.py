"""Ensembles end to end, small and in process."""

import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from running import QUICK, Counting, run

from sparsecnn import load
from sparsecnn.allocation import uniform
from sparsecnn.cli.tables import best_table, results_text
from sparsecnn.config import build, compose
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.experiments import Workbench
from sparsecnn.experiments.within_bytes import WithinBytes, densest
from sparsecnn.operators import project_l0
from sparsecnn.packing import unpack
from sparsecnn.storage import Storage, read_packed


def ensemble(folder: Path, *options: str) -> pd.DataFrame:
    return run(folder, "ensemble", [*QUICK, *options]).table


def test_an_ensemble_takes_what_one_dense_network_takes(tmp_path: Path) -> None:
    dense = ensemble(tmp_path / "one", "ensemble.networks=1")
    table = ensemble(tmp_path / "three", "ensemble.networks=3", "seeds=[0,2]")
    assert dense.phase.tolist() == ["member", "ensemble"]
    assert table[table.phase == "member"].seed.tolist() == [0, 1, 2, 6, 7, 8]
    one = dense.iloc[1]
    assert one.memory_bytes == (tmp_path / "one" / "ensemble_seed0.safetensors").stat().st_size
    assert one.nonzeros == one.weights == dense.weights[0]
    for _, row in table[table.phase == "ensemble"].iterrows():
        path = tmp_path / "three" / f"ensemble_seed{row.seed}.safetensors"
        assert 0.93 * one.memory_bytes < row.memory_bytes == path.stat().st_size <= one.memory_bytes
        members = table.set_index("key").loc[json.loads(row.members)]
        assert members.seed.tolist() == [3 * row.seed, 3 * row.seed + 1, 3 * row.seed + 2]
        assert members.nonzeros.sum() == row.nonzeros
        assert members.memory_bytes.sum() == read_packed(path).payload_bytes
        assert row.weights == 3 * one.weights and row.dense_bytes == one.dense_bytes


def test_what_is_recorded_is_what_the_file_says(tmp_path: Path) -> None:
    table = ensemble(tmp_path, "ensemble.networks=2", "ensemble.target_memory=1/4")
    row, members = table[table.phase == "ensemble"].iloc[0], table[table.phase == "member"]
    assert row.memory_bytes <= row.dense_bytes / 4
    bench = Workbench.of(build(compose("train", QUICK).nodes).parts).ready()
    network = load(tmp_path / "ensemble_seed0.safetensors")
    models = [bench.stored_model(tmp_path / "checkpoints" / f"{key}.safetensors").eval() for key in members.key]
    images, labels = next(bench.test.batches(torch.arange(len(bench.test)), len(bench.test), None))
    images = bench.trainer.preprocess(images)
    with torch.no_grad():
        probabilities = torch.stack([model(images).softmax(1) for model in models]).mean(0)
        torch.testing.assert_close(network(images.contiguous()), probabilities.log(), rtol=1e-4, atol=1e-4)
    assert row.test_accuracy == pytest.approx(100 * float((probabilities.argmax(1) == labels).float().mean()))
    loss = -probabilities.gather(1, labels.unsqueeze(1)).log().mean()
    assert row.test_loss == pytest.approx(float(loss), rel=1e-5)
    # By the convexity of -log, an ensemble's loss is never above the mean of its networks' losses.
    assert row.test_loss < members.test_loss.mean() and row.val_loss < members.val_loss.mean()
    assert next(iter(unpack(read_packed(tmp_path / "ensemble_seed0.safetensors")).values)) == "0.conv1.weight"


def test_an_ensemble_is_told_in_a_line_beside_the_mean_of_its_networks(tmp_path: Path) -> None:
    table = ensemble(tmp_path, "ensemble.networks=2", "solver.epochs=0.2")
    row, alone = table[table.phase == "ensemble"].iloc[0], table[table.phase == "member"].test_accuracy.mean()
    header, line = results_text(table).splitlines()
    assert header.split()[-4:] == ["mean", "of", "networks", "ensemble"]
    assert line.split()[:2] == ["0", "2"]
    assert [float(word) for word in line.split()[-3:-1]] == [round(row.test_accuracy, 2), round(alone, 2)]
    assert line.split()[-1] == row.key


def test_a_finished_ensemble_is_not_made_again_and_a_lost_or_cut_file_is(tmp_path: Path) -> None:
    first = ensemble(tmp_path, "ensemble.networks=2")
    path = tmp_path / "ensemble_seed0.safetensors"
    content = path.read_bytes()
    for lose in (path.unlink, lambda: path.write_bytes(content[:1000])):
        lose()
        again = Counting()
        second = run(tmp_path, "ensemble", [*QUICK, "ensemble.networks=2"], again).table
        assert again.titles == []
        assert path.read_bytes() == content
        pd.testing.assert_frame_equal(first, second)


def test_an_ensemble_is_one_network_with_one_file_and_its_networks_are_none(tmp_path: Path) -> None:
    table = ensemble(tmp_path, "ensemble.networks=2", "ensemble.target_memory=1/2", "solver.epochs=0.2")
    whole = table[table.phase == "ensemble"].iloc[0]
    best, misses = best_table([tmp_path], ["1/2"])
    assert misses == []
    assert best.key.tolist() == [whole.key]
    assert best.weights_file.tolist() == [str(tmp_path / "ensemble_seed0.safetensors")]
    begun = table[table.phase == "member"].iloc[:1]
    assert results_text(begun).split()[-1] == begun.key.iloc[0]


def test_an_ensemble_of_networks_that_diverge_fails(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="no ensemble is whole: the loss is not finite at step"):
        ensemble(tmp_path, "ensemble.networks=2", "solver.learning_rate=1e30")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ensemble.networks=0"], "ensemble.networks must be at least 1, got 0"),
        (["ensemble.target_memory=half"], "ensemble.target_memory: memory must be above 0, like .*; or dense"),
        (["allocation=dense"], "ensemble needs an allocation with a density, such as uniform"),
        ([f"seeds=[{2**62}]"], r"seeds must be below 2\^63"),
    ],
)
def test_bad_values_are_refused_before_anything_is_trained(options: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(compose("ensemble", options).nodes)


def test_a_memory_in_which_no_networks_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no allocation of a network takes as little as"):
        ensemble(tmp_path, "ensemble.networks=4", "ensemble.target_memory=3KiB")


def test_budgets_are_the_densest_that_fit() -> None:
    torch.manual_seed(0)
    weights = {"a": torch.randn(10, 100), "b": torch.randn(10, 20)}
    at = partial(uniform, weights, {"a": 1000, "b": 200})
    # Bitmasks of 125 and 25 bytes, 4 bytes a weight: 1,200 weights at density d take 150 + 4,800 d bytes.
    assert densest(at, weights, Storage(), 150 + 2400) == {"a": 500, "b": 100}
    assert densest(at, weights, Storage(), 4 * 1200) == {"a": 1000, "b": 200}
    with pytest.raises(ConfigError, match="takes as little as 4 B"):
        densest(at, weights, Storage(), 4)


def test_what_has_come_out_too_large_loses_its_smallest_weights() -> None:
    weight = torch.arange(1.0, 1001.0).view(10, 100)
    weights = {"a": project_l0(weight, 600)}
    WithinBytes(Storage(), 125 + 4 * 600).settle_(weights)
    assert int(weights["a"].count_nonzero()) == 600
    WithinBytes(Storage(), 125 + 4 * 500).settle_(weights)
    assert torch.equal(weights["a"], project_l0(weight, 500))
