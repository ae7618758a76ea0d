"""Packed networks give the scores that torch gives from their dense weights."""

import copy
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from runtime.packed_networks import Branches, dense, error, packed
from runtime.random_programs import both

from sparsecnn import native
from sparsecnn.errors import DataError
from sparsecnn.models import ResNet, cifar10_quick, lenet
from sparsecnn.programs import parse_program
from sparsecnn.runtime import SparseNetwork, load, sparse_network
from sparsecnn.storage import PackedNetwork, parse

TOLERANCE = 1e-5
DENSITIES = (1, 0.5, 0.1, 0.01, 0)
BATCHES = (1, 3, 8, 9, 64)
NETWORKS = {
    "cifar10_quick": (cifar10_quick, (3, 32, 32)),
    "lenet": (lenet, (1, 28, 28)),
    "resnet": (lambda: ResNet(20), (3, 32, 32)),
}


@pytest.fixture(scope="module")
def small() -> PackedNetwork:
    torch.manual_seed(0)
    return packed(Branches(), (3, 9, 10), 0.4)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("density", DENSITIES)
def test_scores_are_those_of_the_dense_network(name: str, density: float) -> None:
    torch.manual_seed(1)
    build, shape = NETWORKS[name]
    network = packed(build(), shape, density)
    sparse, reference = sparse_network(network), dense(network)
    for batch in BATCHES if density == 0.1 else (1, 9):
        images = torch.randn(batch, *shape)
        assert error(sparse(images), reference(images)) <= TOLERANCE, batch


@pytest.mark.usefixtures("all_in_c")
@pytest.mark.parametrize("name", NETWORKS)
def test_c_alone_computes_dense_networks_too(name: str) -> None:
    torch.manual_seed(2)
    build, shape = NETWORKS[name]
    network = packed(build(), shape, 0.9)
    sparse = sparse_network(network)
    assert all(layer.is_sparse for layer in sparse.plan)
    images = torch.randn(11, *shape)
    assert error(sparse(images), dense(network)(images)) <= TOLERANCE


def test_operations_that_c_does_not_know_are_computed_between(small: PackedNetwork, all_in_c: None) -> None:
    sparse = sparse_network(small)
    assert all(layer.is_sparse for layer in sparse.plan)
    for batch in (1, 8, 13):
        images = torch.randn(batch, 3, 9, 10)
        assert error(sparse(images), dense(small)(images)) <= TOLERANCE


@pytest.mark.usefixtures("all_in_c")
def test_a_shortcut_of_one_pixel_is_added_to_all() -> None:
    text = "conv a p1;slice d2 s2 @0;slice d3 s2;pad p0,0,0,0,1,1;add @1 @4;mean"
    weights = {"a": torch.randn(4, 2, 3, 3)}
    for program in (text, text.replace("conv a p1", "conv a p3")):
        network, reference = both(parse_program(program), weights, {}, (2, 2, 2))
        images = torch.randn(3, 2, 2, 2)
        assert error(network(images), reference(images.double()).float()) <= TOLERANCE


def test_no_images_have_no_scores(small: PackedNetwork) -> None:
    assert sparse_network(small)(torch.empty(0, 3, 9, 10)).shape == (0, 5)


def test_images_may_lie_in_any_way(small: PackedNetwork) -> None:
    sparse, images = sparse_network(small), torch.randn(9, 3, 9, 10)
    expected = sparse(images)
    strided = torch.randn(18, 5, 9, 20)[::2, 1:4, :, ::2]
    strided.copy_(images)
    for other in (images.contiguous(memory_format=torch.channels_last), images.mT.contiguous().mT, strided):
        assert error(sparse(other), expected) <= TOLERANCE
    assert error(sparse(images[:1].expand(9, -1, -1, -1)), expected[:1].expand(9, -1)) <= TOLERANCE


def test_a_view_whose_memory_holds_other_signs_is_read_with_its_own(small: PackedNetwork) -> None:
    images = torch.randn(3, 3, 9, 10)
    view = torch.complex(images, images).conj().imag
    assert view.is_neg()
    assert torch.equal(sparse_network(small)(view), sparse_network(small)(view.clone()))


def test_scores_are_float32_whatever_torchs_default_is(small: PackedNetwork) -> None:
    sparse, images = sparse_network(small), torch.randn(3, 3, 9, 10)
    expected = sparse(images)
    torch.set_default_dtype(torch.float64)
    try:
        found, none = sparse(images), sparse(images[:0])
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)
    assert none.dtype == torch.float32


def test_large_batches_are_split_among_torchs_threads(small: PackedNetwork, all_in_c: None) -> None:
    sparse, images = sparse_network(small), torch.randn(37, 3, 9, 10)
    expected = sparse(images)
    torch.set_num_threads(2)
    try:
        for batch in (1, 9, 16, 37):
            assert error(sparse(images[:batch]), expected[:batch]) <= TOLERANCE
    finally:
        torch.set_num_threads(1)


def test_several_threads_may_call_at_once(small: PackedNetwork, all_in_c: None) -> None:
    sparse = sparse_network(small)
    batches = [torch.randn(batch, 3, 9, 10) for batch in (1, 5, 8, 17) * 10]
    expected = [dense(small)(images) for images in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(sparse, batches))
    assert all(error(one, other) <= TOLERANCE for one, other in zip(found, expected, strict=True))


def test_images_of_another_shape_are_planned_for(small: PackedNetwork) -> None:
    sparse = sparse_network(small)
    for side in (3, 8, 17, 40):
        images = torch.randn(3, 3, side, side + 1)
        assert error(sparse(images), dense(small)(images)) <= TOLERANCE
    quick = sparse_network(packed(cifar10_quick(), (3, 32, 32), 0.1))
    with pytest.raises(DataError, match=r"cannot take images of shape \[3, 64, 64\]"):
        quick(torch.randn(2, 3, 64, 64))


def test_wrong_images_are_refused(small: PackedNetwork) -> None:
    sparse = sparse_network(small)
    images = torch.randn(2, 3, 9, 10)
    for wrong, message in (
        (images.double(), "float32"),
        (images.to("meta"), "on the CPU"),
        (images[0], "4 sides"),
        (images[:, :2], "cannot take"),
    ):
        with pytest.raises(DataError, match=message):
            sparse(wrong)


def test_scores_have_no_gradient(small: PackedNetwork) -> None:
    scores = sparse_network(small)(torch.randn(2, 3, 9, 10, requires_grad=True))
    assert not scores.requires_grad


def test_copies_give_the_same_scores(small: PackedNetwork) -> None:
    sparse, images = sparse_network(small), torch.randn(2, 3, 9, 10)
    scores = sparse(images)
    for other in (copy.deepcopy(sparse), pickle.loads(pickle.dumps(sparse))):
        assert torch.equal(other(images), scores)


def test_without_a_compiler_torch_computes_and_one_warning_says_so(
    small: PackedNetwork, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SPARSECNN_CC", "")
    native.library.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "sparsecnn.runtime"):
            sparse = sparse_network(small)
            images = torch.randn(9, 3, 9, 10)
            assert error(sparse(images), dense(small)(images)) <= TOLERANCE
        assert [record.name for record in caplog.records].count("sparsecnn.runtime.load") == 1
        assert not any(layer.is_sparse for layer in sparse.plan)
    finally:
        native.library.cache_clear()


def test_the_plan_says_what_is_done_for_each_layer(small: PackedNetwork) -> None:
    plan = sparse_network(small).plan_for(1)
    assert [layer.layer for layer in plan] == ["first", "left", "right", "joined", "scores"]
    assert all(abs(layer.density - 0.4) < 0.05 and layer.images == 1 for layer in plan)
    assert all(layer.sparse_seconds > 0 and layer.dense_seconds > 0 for layer in plan)


def test_sparser_layers_are_sparse_and_full_ones_dense_in_large_batches() -> None:
    plans = [sparse_network(packed(lenet(), (1, 28, 28), density)).plan for density in (0.05, 1)]
    assert all(layer.is_sparse for layer in plans[0])
    assert not any(layer.is_sparse for layer in plans[1] if layer.layer == "ip1")


def test_a_file_is_loaded(small: PackedNetwork, tmp_path: Path) -> None:
    path = tmp_path / "network.scnn"
    path.write_bytes(small.to_bytes())
    network = load(path)
    assert isinstance(network, SparseNetwork) and network.image_shape == (3, 9, 10)
    images = torch.randn(2, 3, 9, 10)
    assert error(network(images), dense(small)(images)) <= TOLERANCE


def test_damaged_files_are_refused(small: PackedNetwork, tmp_path: Path) -> None:
    path = tmp_path / "network.scnn"
    data = bytearray(small.to_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="no intact packed network"):
        load(path)
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "missing")


def test_files_whose_content_is_damaged_are_refused_or_run(small: PackedNetwork) -> None:
    random, images = np.random.default_rng(0), torch.randn(2, 3, 9, 10)
    for _ in range(60):
        layer = small.layers[int(random.integers(len(small.layers)))]
        field = str(random.choice(["positions", "values"]))
        content = bytearray(getattr(layer, field))
        content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
        changed = type(layer)(**{**vars(layer), field: bytes(content)})
        layers = tuple(changed if one is layer else one for one in small.layers)
        try:
            sparse_network(PackedNetwork(layers, small.others, small.notes))(images)
        except DataError as refused:
            assert "damaged" in str(refused)


def test_files_without_a_program_say_what_to_do(small: PackedNetwork) -> None:
    names = "others"
    notes = {"input": "3x9x10", names: "all:" + str(len(small.others))}
    with pytest.raises(DataError, match="sparsecnn unpack"):
        sparse_network(parse(PackedNetwork(small.layers, small.others, notes).to_bytes()))
