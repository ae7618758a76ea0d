"""A packed network as an ONNX model, its weights as floats, dense or as sparse initialisers."""

import numpy as np
from numpy.typing import NDArray

from sparsecnn.errors import ConfigError
from sparsecnn.export.onnx_graph import Call, Graph
from sparsecnn.export.onnx_operations import OPERATIONS
from sparsecnn.export.parts import Parts, parts_of, refuse
from sparsecnn.storage import PackedNetwork

try:
    from onnx import SparseTensorProto, TensorProto, helper, numpy_helper
except ImportError as error:
    raise ConfigError("the export to ONNX needs the package onnx: pip install 'sparsecnn[onnx]'") from error

OPSET = 17
# The first version of the file that allows this opset: older readers understand it.
IR_VERSION = 8
BATCH, IMAGES, SCORES = "N", "images", "scores"
# Notes of the packed file that a reader of the model needs.
KEPT_NOTES = ("input", "pixels")
VALUE_BYTES, INDEX_BYTES = 4, 8


def export_onnx(network: PackedNetwork, *, sparse: bool) -> bytes:
    """The file of a model that computes "scores" of "images" [N, C, H, W].

    `sparse` stores a weight as a sparse initialiser where that is smaller, which is below a density of 1/3: an index
    takes eight bytes. Raises ConfigError, which names the step, for what ONNX cannot express.
    """
    parts = parts_of(network)
    graph = _graph(parts)
    weights = {f"{name}.weight" for name in parts.layers} if sparse else set()
    sparse_names = {name for name in weights & graph.constants.keys() if _is_smaller(graph.constants[name])}
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(node.operator, node.inputs, [node.output], **node.attributes) for node in graph.nodes],
            "sparsecnn",
            [helper.make_tensor_value_info(IMAGES, TensorProto.FLOAT, [BATCH, *parts.shapes[0][1:]])],
            [helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, [BATCH, *parts.shapes[-1][1:]])],
            [
                numpy_helper.from_array(value, name)
                for name, value in graph.constants.items()
                if name not in sparse_names
            ],
            sparse_initializer=[_sparse(name, graph.constants[name]) for name in sorted(sparse_names)],
        ),
        producer_name="sparsecnn",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {name: network.notes[name] for name in KEPT_NOTES if name in network.notes})
    return bytes(model.SerializeToString())


def _graph(parts: Parts) -> Graph:
    graph, names = Graph(), {0: IMAGES}
    for number, step in parts.steps():
        if step.operation not in OPERATIONS:
            raise refuse(number, step, "ONNX has no such operation")
        names[number] = SCORES if number == len(parts.program.steps) else f"step{number}"
        inputs = tuple(names[source] for source in step.inputs)
        OPERATIONS[step.operation](graph, Call(number, step, parts, inputs, names[number]))
    return graph


def _is_smaller(weight: NDArray[np.generic]) -> bool:
    """Whether values and indices of the nonzeros take less than all values."""
    return int(np.count_nonzero(weight)) * (VALUE_BYTES + INDEX_BYTES) < weight.size * VALUE_BYTES


def _sparse(name: str, weight: NDArray[np.generic]) -> SparseTensorProto:
    flat = weight.reshape(-1)
    positions = np.flatnonzero(flat)
    values = numpy_helper.from_array(flat[positions], name)
    indices = numpy_helper.from_array(positions.astype(np.int64), f"{name}.indices")
    return helper.make_sparse_tensor(values, indices, list(weight.shape))
