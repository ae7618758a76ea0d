"""The memory of layers and networks, with sizes that nobody can argue with."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.models import caffenet, cifar10_full, cifar10_quick, lenet, other_values, prunable_weights, weight_counts
from sparsecnn.operators import project_l0
from sparsecnn.storage import Storage, as_matrix


def test_the_cheapest_format_wins_and_dense_wins_a_tie() -> None:
    storage = Storage()
    assert storage.layer(torch.ones(10, 10)).format == "dense"
    weight = torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) + 0.1
    assert storage.layer(project_l0(weight, 5000)).format == "bitmask"
    assert storage.layer(project_l0(weight, 500)).format == "relative_7"
    assert storage.layer(torch.zeros(10, 10)).bytes == 0


def test_index_only_leaves_the_bitmask_out() -> None:
    half = project_l0(torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) + 0.1, 8000)
    assert Storage(formats="all").layer(half).format == "bitmask"
    assert Storage(formats="index_only").layer(half).format == "relative_3"


@given(st.integers(0, 500), st.integers(0, 100))
@settings(max_examples=50)
def test_no_layer_takes_more_than_dense_and_fewer_nonzeros_never_take_more(kept: int, seed: int) -> None:
    weight = torch.randn(20, 25, generator=torch.Generator().manual_seed(seed))
    storage = Storage()
    layer = storage.layer(project_l0(weight, kept))
    assert layer.bytes <= 4 * 500
    assert layer.nonzeros == kept
    # The mask of a bitmask is there at any density, so that format bounds the growth.
    assert layer.bytes <= 63 + 4 * kept


@pytest.mark.parametrize(
    ("build", "weights", "dense_bytes"),
    [
        (lenet, 430_500, 1_724_320),
        (cifar10_quick, 145_376, 582_312),
        (cifar10_full, 89_440, 358_312),
        (caffenet, 60_954_656, 243_860_896),
    ],
)
def test_dense_caffe_networks_take_the_bytes_that_caffe_gives_them(build, weights: int, dense_bytes: int) -> None:  # type: ignore[no-untyped-def]
    with torch.device("meta"):
        model = build()
    assert sum(weight_counts(model).values()) == weights
    assert Storage().dense_bytes(weight_counts(model), other_values(model)) == dense_bytes


def test_a_network_is_the_sum_of_its_layers_and_of_what_stays_dense() -> None:
    model = lenet()
    memory = Storage().network(prunable_weights(model), other_values(model))
    assert memory.bytes == 1_724_320
    assert memory.other_bytes == 580 * 4
    assert (memory.nonzeros, memory.weights) == (430_500, 430_500)
    assert {layer.format for layer in memory.layers.values()} == {"dense"}


def test_values_of_16_bits_halve_a_dense_network() -> None:
    assert Storage(value_bits=16).dense_bytes({"a": 60, "b": 40}, 10) == 220
    assert Storage(value_bits=16).layer(torch.ones(10, 10)).bytes == 200


def test_rounding_gives_the_values_that_are_stored() -> None:
    weight = torch.randn(20, 30, generator=torch.Generator().manual_seed(0))
    stored = Storage(value_bits=16)
    rounded = weight.clone()
    stored.round_([rounded])
    assert torch.equal(rounded, torch.from_numpy(as_matrix(weight, np.dtype("<f2")).astype(np.float32)))
    assert not torch.equal(rounded, weight)
    untouched = weight.clone()
    Storage().round_([untouched])
    assert torch.equal(untouched, weight)
    with pytest.raises(DivergedError, match=r"a value of 7e\+04 cannot be stored in 16 bits"):
        stored.round_([torch.tensor([7e4])])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"value_bits": 8}, "storage.value_bits must be one of [16, 32], got 8"),
        ({"formats": "every"}, "storage.formats must be one of all, index_only, got every"),
    ],
)
def test_unknown_widths_and_format_sets_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Storage(**options)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_a_weight_becomes_a_matrix_of_output_rows_in_logical_order() -> None:
    weight = torch.arange(24.0).view(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    assert as_matrix(weight).tolist() == torch.arange(24.0).view(2, 12).tolist()
    assert as_matrix(torch.ones(5)).shape == (1, 5)
