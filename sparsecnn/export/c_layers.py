"""What a convolution and a linear layer are in C: a walk through the weights of output `c`."""

from collections.abc import Callable, Sequence
from math import prod

from sparsecnn.export.c_layer import StoredLayer
from sparsecnn.export.c_operations import Call, Code, window
from sparsecnn.export.c_text import Constant, floats, part_of_name
from sparsecnn.export.parts import refuse
from sparsecnn.export.stages import channels, elements, is_depthwise


def _bias(call: Call) -> tuple[str, tuple[Constant, ...]]:
    bias = call.parts.bias(call.step)
    if bias is None:
        return "0.0f", ()
    name = f"{call.name}_{part_of_name(call.step.layer or '')}_bias"
    return f"{name}[c]", (floats(name, bias.tolist()),)


def _walk(walk: str, layer: StoredLayer, columns: int, statements: Sequence[str]) -> list[str]:
    return [
        f"while ({layer.positions.helper}(&{walk}, {columns} * (c + 1))) {{",
        *(f"    {statement}" for statement in statements),
        "}",
    ]


def _scaled(value: str, scale: str) -> str:
    return f"{value} * {scale}" if scale else value


def _value(walk: str, layer: StoredLayer) -> str:
    return layer.values.read.replace("ENTRY", f"{walk}.entry")


def _image(call: Call, rows: int) -> str:
    """The channels that row `c` of a convolution reads."""
    groups = call.step.integers("g", 1, 1)[0]
    if groups == 1 or is_depthwise(call.number, call.parts):
        return call.inputs[0]
    return f"{call.inputs[0]} + c / {rows // groups} * {elements(call.input_shape) // groups}"


def _conv(call: Call) -> Code:
    if "t" in call.step.options:
        raise refuse(call.number, call.step, "convolutions are not transposed in C")
    weight = call.parts.layers[call.step.layer or ""].weight
    bias, constants = _bias(call)
    lines = [f"fill({call.output}, {call.count}, {bias});"]
    shape = window(call, weight.shape[2:])
    if call.layer is None:
        return Code(tuple(lines), frozenset({"fill"}), constants)
    columns, rows = prod(weight.shape[1:]), weight.shape[0]
    walk, image = f"walk{call.number}", _image(call, rows)
    value = _scaled(_value(walk, call.layer), call.layer.values.scale)
    tap = [
        f"const float weight = {value};",
        f"add_tap(&{shape.name}, {image}, {call.output}, {walk}.position - {columns} * c, weight);",
    ]
    helpers = frozenset({"fill", "smaller", "steps_to", "add_tap", *call.layer.helpers})
    setup = (f"walk_state {walk} = {call.layer.walk};",)
    return Code((*lines, *_walk(walk, call.layer, columns, tap)), helpers, (*constants, shape), setup)


def _linear(call: Call) -> Code:
    if len(call.input_shape) != 2:
        raise refuse(call.number, call.step, "its input is not flat")
    columns = channels(call.input_shape)
    bias, constants = _bias(call)
    if call.layer is None:
        return Code((f"*({call.output}) = {bias};",), frozenset(), constants)
    walk = f"walk{call.number}"
    term = [
        f"const float weight = {_value(walk, call.layer)};",
        f"sum += weight * ({call.inputs[0]})[{walk}.position - {columns} * c];",
    ]
    total = _scaled("sum", call.layer.values.scale)
    lines = ["float sum = 0.0f;", *_walk(walk, call.layer, columns, term), f"*({call.output}) = {total} + {bias};"]
    setup = (f"walk_state {walk} = {call.layer.walk};",)
    return Code(tuple(lines), frozenset(call.layer.helpers), constants, setup)


LAYER_OPERATIONS: dict[str, Callable[[Call], Code]] = {"conv": _conv, "linear": _linear}
