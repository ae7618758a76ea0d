"""The greedy search over networks of compact operators, alone and inside of each other."""

import json
import math
from pathlib import Path

import pytest
from running import QUICK, SEARCH, run

from sparsecnn.report.layer_tables import layer_bytes
from sparsecnn.report.source import read_source

SMALL = ["model.widths=[4,8]", "model.steps=1"]
NETWORKS = {
    "lean": ["model=lean_resnet"],
    "pre-defined": ["model=predefined_resnet"],
    "ODE": ["model=ode_resnet", "model.step.keep=1"],
    "implicit": ["model=imex_resnet"],
    "bit-wise": ["model=bitwise_resnet"],
    "deformable": ["model=deformable_resnet"],
    "lean in an ODE block": ["model=ode_resnet", "operator@model.step.operator=lean"],
    "pre-defined in an ODE block": ["model=ode_resnet", "operator@model.step.operator=predefined"],
    "bit-wise in an ODE block": ["model=ode_resnet", "operator@model.step.operator=bitwise"],
    "bit-wise lean": ["model=compact_resnet", "operator@model.step.operator=bitwise_lean"],
    "symmetric bit-wise lean": ["model=lean_resnet", "operator@model.step.operator=bitwise_lean"],
    "symmetric pre-defined": ["model=lean_resnet", "operator@model.step.operator=predefined"],
    "bit-wise pre-defined in an ODE block": [
        "model=ode_resnet",
        "operator@model.step.operator=bitwise",
        "model.step.operator.supports=psd4_p8",
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_search_makes_the_network_smaller_layer_by_layer(name: str, tmp_path: Path) -> None:
    options = [*SEARCH, *NETWORKS[name], *SMALL, "solver.epochs=0.5", "search.rounds=2", "search.retrain.epochs=0.1"]
    table = run(tmp_path, "greedy_search", options).table
    path = table[table.accepted]
    assert path["round"].tolist() == [0, 1, 2]
    assert path.memory_bytes.is_monotonic_decreasing
    assert path.memory_bytes.is_unique
    for _, row in table.iterrows():
        budgets, found = json.loads(row.budgets), json.loads(row.layer_nonzeros)
        assert all(found[layer] <= budget for layer, budget in budgets.items())


@pytest.mark.parametrize("name", ["lean", "pre-defined", "bit-wise pre-defined in an ODE block"])
def test_a_density_is_that_of_the_weights_that_exist(name: str, tmp_path: Path) -> None:
    options = [*QUICK, *NETWORKS[name], *SMALL, "solver.epochs=0.1", "regularizer=l0_projection"]
    table = run(tmp_path, "train", [*options, "allocation=uniform", "allocation.density=0.45"]).table
    found, sizes = (json.loads(table[column][0]) for column in ("layer_nonzeros", "layer_weights"))
    assert sum(sizes.values()) < sum(math.prod(shape) for shape in json.loads(table.layer_shapes[0]).values())
    assert found == {layer: pytest.approx(0.45 * size, abs=1) for layer, size in sizes.items()}


def test_a_report_knows_the_bits_of_a_layer(tmp_path: Path) -> None:
    options = [*SEARCH, "model=bitwise_resnet", *SMALL, "solver.epochs=0.5", "search.rounds=1"]
    table = run(tmp_path, "greedy_search", options).table
    source = read_source(tmp_path, table)
    (base,) = (row for _, row in table.iterrows() if row.phase == "base")
    found, bits = layer_bytes(base, source), json.loads(base.layer_bits)
    sizes, narrow = json.loads(base.layer_weights), [name for name in found if "first" in name or "second" in name]
    assert bits == dict.fromkeys(narrow, 1)
    assert [found[name] for name in narrow] == [-(-sizes[name] // 8) + 3 for name in narrow]
    assert [found[name] for name in found if name not in bits] == [
        4 * sizes[name] for name in found if name not in bits
    ]
