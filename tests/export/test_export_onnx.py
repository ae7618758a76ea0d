"""Networks as ONNX: onnxruntime computes from the file what torch computes."""

import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from sparsecnn.errors import ConfigError
from sparsecnn.storage import PackedNetwork

Packed = Callable[..., PackedNetwork]
Images = NDArray[np.float32]
Check = Callable[[PackedNetwork, bool], None]


@pytest.fixture
def export() -> Callable[..., bytes]:
    pytest.importorskip("onnx")
    from sparsecnn.export.onnx_model import export_onnx

    return export_onnx


@pytest.fixture
def onnx() -> ModuleType:
    found: ModuleType = pytest.importorskip("onnx")
    return found


@pytest.fixture
def check(
    export: Callable[..., bytes],
    onnx: ModuleType,
    images_of: Callable[..., Images],
    scores_of: Callable[[PackedNetwork, Images], Images],
) -> Check:
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1

    def check(network: PackedNetwork, sparse: bool) -> None:
        data = export(network, sparse=sparse)
        # Its inference of shapes knows no sparse weights.
        onnx.checker.check_model(data, full_check=not sparse)
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        for count in (1, 3):
            images = images_of(network, count)
            expected, (scores,) = scores_of(network, images), session.run(["scores"], {"images": images})
            np.testing.assert_allclose(
                scores.reshape(count, -1), expected, rtol=1e-5, atol=1e-5 * float(np.abs(expected).max())
            )

    return check


def test_onnxruntime_gives_the_scores_of_torch(network: PackedNetwork, check: Check) -> None:
    check(network, False)


@pytest.mark.parametrize("value", ["float32", "int8", "codebook15"])
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_sparse_weights_give_the_scores_of_torch(value: str, density: float, named: Packed, check: Check) -> None:
    check(named("residual", value, density), True)


@pytest.mark.parametrize("text", ["max_pool k2 s3 p1 d3 c;flatten", "avg_pool k2 c;flatten", "max_pool k3 p1;mean"])
def test_poolings_of_one_side_give_the_numbers_of_torch(text: str, packed: Packed, check: Check) -> None:
    check(packed(text, (2, 10)), False)


@pytest.mark.parametrize("options", ["t", "t p1 g2", "t p2,1 d2"])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_transposed_convolution_gives_the_numbers_of_torch(
    options: str, sparse: bool, packed: Packed, check: Check
) -> None:
    check(packed(f"conv a {options};mean", (4, 5, 6), {"a": (4, 2, 3, 3)}), sparse)


def test_a_normalisation_of_a_flat_map_gives_the_numbers_of_torch(packed: Packed, check: Check) -> None:
    check(packed("flatten;batch_norm n n6;linear a", (6, 1, 1), {"a": (3, 6)}), False)


def test_only_weights_of_few_nonzeros_are_sparse(
    export: Callable[..., bytes], onnx: ModuleType, packed: Packed
) -> None:
    shapes = {"few": (20, 32), "many": (5, 20)}
    network = packed("flatten;linear few b;linear many", (2, 4, 4), shapes, "float32", 0.1)
    graph = onnx.load_from_string(export(network, sparse=True)).graph
    assert [tensor.values.name for tensor in graph.sparse_initializer] == ["few.weight", "many.weight"]
    network = packed("flatten;linear few b;linear many", (2, 4, 4), shapes, "float32", 0.45)
    assert not onnx.load_from_string(export(network, sparse=True)).graph.sparse_initializer
    assert not onnx.load_from_string(export(network, sparse=False)).graph.sparse_initializer


def test_sparse_indices_are_flat_and_ascending(export: Callable[..., bytes], onnx: ModuleType, packed: Packed) -> None:
    network = packed("flatten;linear a", (2, 4, 4), {"a": (20, 32)}, "float32", 0.1)
    (tensor,) = onnx.load_from_string(export(network, sparse=True)).graph.sparse_initializer
    indices = onnx.numpy_helper.to_array(tensor.indices)
    assert (indices.dtype, list(tensor.dims)) == (np.int64, [20, 32])
    assert len(indices) == network.layers[0].nonzeros and (np.diff(indices) > 0).all()


def test_the_model_names_its_input_and_how_large_it_is(
    export: Callable[..., bytes], onnx: ModuleType, named: Packed
) -> None:
    model = onnx.load_from_string(export(named("lenet"), sparse=False))
    (images,), (scores,) = model.graph.input, model.graph.output
    assert (images.name, scores.name) == ("images", "scores")
    sides = images.type.tensor_type.shape.dim
    assert (sides[0].dim_param, [side.dim_value for side in sides[1:]]) == ("N", [1, 16, 16])
    assert {prop.key: prop.value for prop in model.metadata_props} == {"input": "1x16x16"}


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("local_response_norm n2;mean", (4, 3, 3), "step 1, local_response_norm, .* odd numbers"),
        ("relu;slice d0;mean", (4, 3, 3), "step 2, slice, .* does not cut a map"),
        ("adaptive_avg_pool o2;flatten", (2, 3, 3, 3), "step 1, adaptive_avg_pool, .* two sides"),
    ],
)
def test_a_step_that_onnx_has_not_is_named(
    text: str, shape: tuple[int, ...], message: str, export: Callable[..., bytes], packed: Packed
) -> None:
    with pytest.raises(ConfigError, match=message):
        export(packed(text, shape), sparse=False)


def test_without_onnx_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "sparsecnn.export.onnx_model", raising=False)
    with pytest.raises(ConfigError, match=r"needs the package onnx: pip install 'sparsecnn\[onnx\]'"):
        import sparsecnn.export.onnx_model  # noqa: F401
