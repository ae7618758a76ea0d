"""What a worker does with a network, wherever it is."""

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from running import QUICK, run

from sparsecnn.config import build, compose
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.experiments.measurement import Measurement
from sparsecnn.experiments.work import Preparation
from sparsecnn.experiments.workbench import Workbench
from sparsecnn.models import multiply_adds
from sparsecnn.storage import NetworkMemory
from sparsecnn.training import Evaluation

GOOD, BAD = Evaluation(90.0, 0.3), Evaluation(10.0, inf)


@pytest.fixture
def bench() -> Workbench:
    experiment: Any = build(compose("train", QUICK).nodes)
    return Workbench.of(experiment.parts)


def test_layers_on_a_fixed_support_are_counted_like_others(tmp_path: Path, bench: Workbench) -> None:
    options = [*QUICK, "regularizer=fixed_support", "allocation=uniform", "allocation.density=0.1"]
    (row,) = run(tmp_path, "train", options).table.itertuples()
    model = bench.stored_model(tmp_path / f"seed{row.seed}.safetensors")
    assert row.multiply_adds == multiply_adds(model, bench.data.image_shape) > row.nonzeros


def test_a_worker_that_reads_other_data_than_the_command_refuses_it(bench: Workbench) -> None:
    elsewhere = Preparation(bench.parts, bench).afresh()
    elsewhere()
    with pytest.raises(ConfigError, match="the data or the weights have changed since this command began"):
        replace(elsewhere, content={"data": "others"})()


def test_a_network_fails_by_its_validation_loss_and_by_its_test_loss_only_without_one() -> None:
    memory = NetworkMemory({}, 0)
    assert Measurement(memory, GOOD, BAD, None).error is None
    for measured in (Measurement(memory, BAD, GOOD, None), Measurement(memory, None, BAD, None)):
        assert isinstance(measured.error, DivergedError)
