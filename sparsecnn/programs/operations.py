"""What each operation of a program computes, in torch. docs/packed-format.md says the same in words."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from sparsecnn.programs.step import Step

Values = Mapping[str, Tensor]
Operation = Callable[[Step, Sequence[Tensor], Values], Tensor]

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
_MAX_POOLINGS = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_AVERAGE_POOLINGS = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
_ADAPTIVE_POOLINGS = {
    1: functional.adaptive_avg_pool1d,
    2: functional.adaptive_avg_pool2d,
    3: functional.adaptive_avg_pool3d,
}


def _conv(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    weight = values[f"{step.layer}.weight"]
    bias = values[f"{step.layer}.bias"] if "b" in step.options else None
    sides = weight.dim() - 2
    strides, padding, dilation = (
        step.integers(letter, sides, default) for letter, default in zip("spd", (1, 0, 1), strict=True)
    )
    (groups,) = step.integers("g", 1, 1)
    if "t" in step.options:
        transposed = _TRANSPOSED[sides]
        return transposed(inputs[0], weight, None, 1, padding, 0, groups, dilation)
    convolve = _CONVOLUTIONS[sides]
    return convolve(inputs[0], weight, bias, strides, padding, dilation, groups)


def _linear(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    bias = values[f"{step.layer}.bias"] if "b" in step.options else None
    return functional.linear(inputs[0], values[f"{step.layer}.weight"], bias)


def _batch_norm(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    mean, variance = (values[f"{step.layer}.running_{name}"] for name in ("mean", "var"))
    scale, shift = (None if "x" in step.options else values[f"{step.layer}.{name}"] for name in ("weight", "bias"))
    return functional.batch_norm(inputs[0], mean, variance, scale, shift, eps=step.number("e", 1e-5))


def _max_pool(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    sides = inputs[0].dim() - 2
    kernel = step.integers("k", sides, 1)
    strides, padding, dilation = (
        step.integers(letter, sides, default) for letter, default in zip("spd", (1, 0, 1), strict=True)
    )
    pool = _MAX_POOLINGS[sides]
    return pool(inputs[0], kernel, strides, padding, dilation, ceil_mode="c" in step.options)


def _avg_pool(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    sides = inputs[0].dim() - 2
    kernel = step.integers("k", sides, 1)
    strides, padding = (step.integers(letter, sides, default) for letter, default in zip("sp", (1, 0), strict=True))
    pool = _AVERAGE_POOLINGS[sides]
    return pool(inputs[0], kernel, strides, padding, "c" in step.options, "x" not in step.options)


def _adaptive_avg_pool(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    sides = inputs[0].dim() - 2
    pool: Callable[..., Tensor] = _ADAPTIVE_POOLINGS[sides]
    return pool(inputs[0], step.integers("o", sides, 1))


def _mean(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    return inputs[0].mean(tuple(range(2, inputs[0].dim())), keepdim="k" in step.options)


def _slice(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    (dimension,), (start,), (stride,) = (
        step.integers(letter, 1, default) for letter, default in zip("dfs", (1, 0, 1), strict=True)
    )
    ends = step.options.get("t")
    end = inputs[0].shape[dimension] if ends is None else step.integers("t", 1, 0)[0]
    return inputs[0][(slice(None),) * dimension + (slice(start, end, stride),)]


def _pad(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    sides = len(step.options.get("p", ()))
    return functional.pad(inputs[0], step.integers("p", sides, 0))


def _local_response_norm(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    size = step.integers("n", 1, 5)[0]
    return functional.local_response_norm(
        inputs[0], size, step.number("a", 1e-4), step.number("b", 0.75), step.number("k", 1.0)
    )


def _log_mean_softmax(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    logs = torch.stack([functional.log_softmax(scores, dim=1) for scores in inputs])
    return torch.logsumexp(logs, dim=0) - math.log(len(inputs))


def _elementwise(function: Callable[..., Tensor], letters: str = "") -> Operation:
    """An operation on one map, or between maps, whose options are the further arguments of `function`."""

    def operation(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
        return function(*inputs, *(step.number(letter, 0) for letter in letters))

    return operation


OPERATIONS: dict[str, Operation] = {
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "mean": _mean,
    "slice": _slice,
    "pad": _pad,
    "local_response_norm": _local_response_norm,
    "flatten": lambda step, inputs, values: inputs[0].flatten(1),
    "cat": lambda step, inputs, values: torch.cat(list(inputs), dim=1),
    "log_mean_softmax": _log_mean_softmax,
    "relu": _elementwise(torch.relu),
    "round": _elementwise(torch.round),
    "clamp": _elementwise(torch.clamp, "lh"),
    "leaky_relu": _elementwise(functional.leaky_relu, "a"),
    "sigmoid": _elementwise(torch.sigmoid),
    "tanh": _elementwise(torch.tanh),
    "silu": _elementwise(functional.silu),
    "gelu": _elementwise(functional.gelu),
    "hardswish": _elementwise(functional.hardswish),
    "hardsigmoid": _elementwise(functional.hardsigmoid),
    "add": _elementwise(torch.add),
    "subtract": _elementwise(torch.sub),
    "multiply": _elementwise(torch.mul),
    "divide": _elementwise(torch.div),
    "shift": _elementwise(torch.add, "v"),
    "scale": _elementwise(torch.mul, "v"),
    "power": _elementwise(torch.pow, "v"),
}
# How many maps an operation takes; all others take one. None: any number.
INPUTS = {"add": 2, "subtract": 2, "multiply": 2, "divide": 2, "cat": None, "log_mean_softmax": None}
