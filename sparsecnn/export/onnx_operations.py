"""What each operation of a program is in ONNX, opset 17."""

from collections.abc import Callable
from math import sqrt

import numpy as np

from sparsecnn.export.onnx_graph import Call, Graph
from sparsecnn.export.onnx_pooling import adaptive_avg_pool, avg_pool, max_pool
from sparsecnn.export.parts import refuse

Write = Callable[[Graph, Call], None]
# As far as a slice can reach.
NO_END = 2**63 - 1


def _number(graph: Graph, call: Call, what: str, value: float) -> str:
    return graph.constant(call.name(what), np.array(value, np.float32))


def _layer(graph: Graph, call: Call) -> tuple[str, ...]:
    bias = call.parts.bias(call.step)
    weight = f"{call.step.layer}.weight"
    graph.constant(weight, call.parts.layers[call.step.layer or ""].weight.dense())
    return (weight,) if bias is None else (weight, graph.constant(f"{call.step.layer}.bias", bias))


def _conv(graph: Graph, call: Call) -> None:
    kernel = call.parts.layers[call.step.layer or ""].weight.shape[2:]
    strides, padding, dilation = (
        call.step.integers(letter, len(kernel), default) for letter, default in zip("spd", (1, 0, 1), strict=True)
    )
    graph.add(
        *("ConvTranspose" if "t" in call.step.options else "Conv", (*call.inputs, *_layer(graph, call)), call.output),
        kernel_shape=list(kernel),
        strides=strides,
        pads=padding + padding,
        dilations=dilation,
        group=call.step.integers("g", 1, 1)[0],
    )


def _linear(graph: Graph, call: Call) -> None:
    if len(call.input_shape) != 2:
        raise refuse(call.number, call.step, "its input is not flat")
    graph.add("Gemm", (*call.inputs, *_layer(graph, call)), call.output, transB=1)


def _batch_norm(graph: Graph, call: Call) -> None:
    layer, others = call.step.layer, call.parts.others
    mean, variance = (f"{layer}.running_{name}" for name in ("mean", "var"))
    values = {f"{layer}.weight": np.ones_like(others[mean]), f"{layer}.bias": np.zeros_like(others[mean])}
    names = (*values, mean, variance)
    for name in names:
        graph.constant(name, values[name] if name not in others else others[name])
    graph.add("BatchNormalization", (*call.inputs, *names), call.output, epsilon=float(call.step.number("e", 1e-5)))


def _same(operator: str, **attributes: object) -> Write:
    """An operator that needs nothing but its inputs."""
    return lambda graph, call: _add(graph, call, operator, **attributes)


def _add(graph: Graph, call: Call, operator: str, **attributes: object) -> None:
    graph.add(operator, call.inputs, call.output, **attributes)


def _with_number(operator: str) -> Write:
    def write(graph: Graph, call: Call) -> None:
        value = _number(graph, call, "number", call.step.number("v", 0))
        graph.add(operator, (*call.inputs, value), call.output)

    return write


def _clamp(graph: Graph, call: Call) -> None:
    bounds = (_number(graph, call, what, call.step.number(what[0], 0)) for what in ("low", "high"))
    graph.add("Clip", (*call.inputs, *bounds), call.output)


def _leaky_relu(graph: Graph, call: Call) -> None:
    _add(graph, call, "LeakyRelu", alpha=float(call.step.number("a", 0)))


def _silu(graph: Graph, call: Call) -> None:
    gate = graph.add("Sigmoid", call.inputs, call.name("gate"))
    graph.add("Mul", (*call.inputs, gate), call.output)


def _gelu(graph: Graph, call: Call) -> None:
    # x / 2 (1 + erf(x / sqrt 2)): opset 17 has no Gelu.
    scaled = graph.add("Mul", (*call.inputs, _number(graph, call, "root", sqrt(0.5))), call.name("scaled"))
    error = graph.add("Erf", (scaled,), call.name("error"))
    gate = graph.add("Add", (error, _number(graph, call, "one", 1)), call.name("gate"))
    half = graph.add("Mul", (*call.inputs, _number(graph, call, "half", 0.5)), call.name("halves"))
    graph.add("Mul", (half, gate), call.output)


def _mean(graph: Graph, call: Call) -> None:
    sides = list(range(2, len(call.input_shape)))
    if not sides:
        raise refuse(call.number, call.step, "its input has no pixels")
    _add(graph, call, "ReduceMean", axes=sides, keepdims=int("k" in call.step.options))


def _slice(graph: Graph, call: Call) -> None:
    (dimension,), (start,), (stride,) = (
        call.step.integers(letter, 1, default) for letter, default in zip("dfs", (1, 0, 1), strict=True)
    )
    if dimension < 1:
        raise refuse(call.number, call.step, "it does not cut a map")
    end = call.step.integers("t", 1, 0)[0] if "t" in call.step.options else NO_END
    numbers = {"starts": start, "ends": end, "axes": dimension, "steps": stride}
    names = [graph.constant(call.name(what), np.array([number], np.int64)) for what, number in numbers.items()]
    graph.add("Slice", (*call.inputs, *names), call.output)


def _pad(graph: Graph, call: Call) -> None:
    padding = call.step.integers("p", len(call.step.options.get("p", ())), 0)
    dimensions = len(call.input_shape)
    if any(padding[2 * (dimensions - 1) :]):
        raise refuse(call.number, call.step, "it pads more than the sides of a map")
    # Torch begins with the last dimension, ONNX gives all beginnings first.
    before, after = ([*padding[at::2], *[0] * dimensions][:dimensions][::-1] for at in (0, 1))
    pads = graph.constant(call.name("pads"), np.array([*before, *after], np.int64))
    graph.add("Pad", (*call.inputs, pads), call.output)


def _local_response_norm(graph: Graph, call: Call) -> None:
    size = call.step.integers("n", 1, 5)[0]
    if size % 2 == 0 or len(call.input_shape) != 4:
        raise refuse(call.number, call.step, "ONNX normalises over odd numbers of channels of images alone")
    alpha, beta, bias = (
        float(call.step.number(letter, default)) for letter, default in zip("abk", (1e-4, 0.75, 1.0), strict=True)
    )
    _add(graph, call, "LRN", size=size, alpha=alpha, beta=beta, bias=bias)


OPERATIONS: dict[str, Write] = {
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "adaptive_avg_pool": adaptive_avg_pool,
    "mean": _mean,
    "slice": _slice,
    "pad": _pad,
    "local_response_norm": _local_response_norm,
    "flatten": _same("Flatten", axis=1),
    "cat": _same("Concat", axis=1),
    "relu": _same("Relu"),
    "round": _same("Round"),
    "clamp": _clamp,
    "leaky_relu": _leaky_relu,
    "sigmoid": _same("Sigmoid"),
    "tanh": _same("Tanh"),
    "silu": _silu,
    "gelu": _gelu,
    "hardswish": _same("HardSwish"),
    "hardsigmoid": _same("HardSigmoid", alpha=1 / 6, beta=0.5),
    "add": _same("Add"),
    "subtract": _same("Sub"),
    "multiply": _same("Mul"),
    "divide": _same("Div"),
    "shift": _with_number("Add"),
    "scale": _with_number("Mul"),
    "power": _with_number("Pow"),
}
