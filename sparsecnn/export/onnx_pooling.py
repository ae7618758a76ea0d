"""Poolings in ONNX, with the sizes and divisors of PyTorch: all rounding up becomes explicit padding."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparsecnn.export.onnx_graph import Call, Graph
from sparsecnn.export.parts import refuse


def max_pool(graph: Graph, call: Call) -> None:
    """MaxPool; what lies outside is minus infinity."""
    sides = len(call.input_shape) - 2
    kernel, strides, begin, dilation = (
        call.step.integers(letter, sides, default) for letter, default in zip("kspd", (1, 1, 0, 1), strict=True)
    )
    reach = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    source, pads = _padded(graph, call, kernel, begin + _end(call, reach, strides, begin), -np.inf)
    graph.add(*("MaxPool", (source,), call.output), kernel_shape=kernel, strides=strides, dilations=dilation, pads=pads)


def avg_pool(graph: Graph, call: Call) -> None:
    """AveragePool over zeros outside, and where PyTorch divides by less than the kernel's size, what corrects it."""
    sides = len(call.input_shape) - 2
    kernel, strides, begin = (
        call.step.integers(letter, sides, default) for letter, default in zip("ksp", (1, 1, 0), strict=True)
    )
    source, pads = _padded(graph, call, kernel, begin + _end(call, kernel, strides, begin), 0.0)
    factors = np.ones(1)
    for side in range(sides):
        size = call.input_shape[2 + side]
        padding = 0 if "x" in call.step.options else begin[side]
        starts = np.arange(call.shape[2 + side]) * strides[side] - begin[side]
        # What lies behind the padding that was asked for is never counted.
        ends = np.minimum(starts + kernel[side], size + padding)
        factors = factors[..., None] * (kernel[side] / (ends - np.maximum(starts, -padding)))
    is_exact = bool((factors == 1).all())
    average = call.output if is_exact else call.name("average")
    if any(node.operator == "Pad" and node.output == source for node in graph.nodes):
        # onnxruntime would join the two to a pooling that it refuses when the padding is as large as the kernel.
        channels = call.input_shape[1]
        equal = np.full((channels, 1, *kernel), 1 / math.prod(kernel), np.float32)
        inputs = (source, graph.constant(call.name("equal"), equal))
        graph.add("Conv", inputs, average, kernel_shape=kernel, strides=strides, pads=pads, group=channels)
    else:
        attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads, "count_include_pad": 1}
        graph.add("AveragePool", (source,), average, **attributes)
    if not is_exact:
        correction = graph.constant(call.name("correction"), factors.astype(np.float32)[None])
        graph.add("Mul", (average, correction), call.output)


def _padded(graph: Graph, call: Call, kernel: Sequence[int], pads: list[int], value: float) -> tuple[str, list[int]]:
    """The input and its padding; onnxruntime takes none as large as the kernel, so that becomes a step of its own."""
    sides = len(kernel)
    if all(padding < size for padding, size in zip(pads, [*kernel, *kernel], strict=True)):
        return call.inputs[0], pads
    around = graph.constant(call.name("pads"), np.array([0, 0, *pads[:sides], 0, 0, *pads[sides:]], np.int64))
    filled = graph.constant(call.name("outside"), np.array(value, np.float32))
    return graph.add("Pad", (call.inputs[0], around, filled), call.name("padded")), [0] * (2 * sides)


def _end(call: Call, reach: Sequence[int], strides: Sequence[int], begin: Sequence[int]) -> list[int]:
    """The padding behind each side with which the last window fits."""
    sizes = zip(call.input_shape[2:], call.shape[2:], reach, strides, begin, strict=True)
    return [max((out - 1) * step + width - size - before, 0) for size, out, width, step, before in sizes]


def adaptive_avg_pool(graph: Graph, call: Call) -> None:
    """An average of equal windows where there are such, otherwise a matrix of means for each of at most two sides."""
    sizes, results = call.input_shape[2:], call.shape[2:]
    if set(results) == {1}:
        graph.add("GlobalAveragePool", call.inputs, call.output)
        return
    if not any(size % count for size, count in zip(sizes, results, strict=True)):
        kernel = [size // count for size, count in zip(sizes, results, strict=True)]
        graph.add("AveragePool", call.inputs, call.output, kernel_shape=kernel, strides=kernel)
        return
    if len(sizes) != 2:
        raise refuse(call.number, call.step, "ONNX has windows of unequal sizes for maps of two sides alone")
    above, beside = (_means(size, count) for size, count in zip(sizes, results, strict=True))
    rows = graph.constant(call.name("rows"), above)
    columns = graph.constant(call.name("columns"), np.ascontiguousarray(beside.T))
    narrow = graph.add("MatMul", (call.inputs[0], columns), call.name("narrow"))
    graph.add("MatMul", (rows, narrow), call.output)


def _means(size: int, count: int) -> NDArray[np.float32]:
    """The matrix [count, size] that averages `size` numbers to `count`."""
    matrix = np.zeros((count, size), np.float32)
    for row in range(count):
        first, end = row * size // count, -(-(row + 1) * size // count)
        matrix[row, first:end] = 1 / (end - first)
    return matrix
