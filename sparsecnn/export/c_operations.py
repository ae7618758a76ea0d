"""What each operation of a program is in C: calls of helper functions, and the constants that these take."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from sparsecnn.export.c_layer import StoredLayer
from sparsecnn.export.c_text import Constant, floats, integers, number
from sparsecnn.export.parts import Parts, Shape, refuse
from sparsecnn.export.stages import area, channels
from sparsecnn.programs import Step


@dataclass(frozen=True)
class Code:
    """Lines of C; `setup` comes before the loop over channels."""

    lines: tuple[str, ...]
    helpers: frozenset[str] = frozenset()
    constants: tuple[Constant, ...] = ()
    setup: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """A step, and the pointers to what it reads and writes: `counts[i]` elements of each input, `count` of the result.

    In a loop over channels these are those of channel `c`.
    """

    number: int
    step: Step
    parts: Parts
    inputs: tuple[str, ...]
    counts: tuple[int, ...]
    output: str
    count: int
    layer: StoredLayer | None = None

    @property
    def input_shape(self) -> Shape:
        """The shape of the first input."""
        return self.parts.shapes[self.step.inputs[0]]

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.parts.shapes[self.number]

    @property
    def name(self) -> str:
        """How constants of this step begin."""
        return f"step{self.number}"


def _elementwise(letters: str = "") -> Callable[[Call], Code]:
    def write(call: Call) -> Code:
        arguments = [number(call.step.number(letter, 0)) for letter in letters]
        return _map(call, call.step.operation, *arguments)

    return write


def _map(call: Call, function: str, *arguments: str) -> Code:
    listed = ", ".join((call.inputs[0], call.output, str(call.count), *arguments))
    return Code((f"{function}_map({listed});",), frozenset({f"{function}_map"}))


def _power(call: Call) -> Code:
    exponent = call.step.number("v", 0)
    return _map(call, "square") if exponent == 2 else _map(call, "power", number(exponent))


def _batch_norm(call: Call) -> Code:
    name = call.name
    factors, offsets = call.parts.normalisation(call.step)
    code = _map(call, "affine", f"{name}_factors[c]", f"{name}_offsets[c]")
    constants = (floats(f"{name}_factors", factors.tolist()), floats(f"{name}_offsets", offsets.tolist()))
    return Code(code.lines, code.helpers, constants)


def _binary(call: Call) -> Code:
    sources = [call.parts.shapes[source] for source in call.step.inputs]
    if any(len(shape) != len(call.shape) for shape in sources) or not set(call.counts) <= {1, call.count}:
        raise refuse(call.number, call.step, "maps of such different shapes are not joined in C")
    steps = (int(count == call.count) for count in call.counts)
    operands = ", ".join(f"{pointer}, {step}" for pointer, step in zip(call.inputs, steps, strict=True))
    function = f"{call.step.operation}_maps"
    return Code((f"{function}({operands}, {call.output}, {call.count});",), frozenset({function}))


def window(call: Call, kernel: tuple[int, ...]) -> Constant:
    """The window of a convolution or pooling as a constant."""
    if len(call.input_shape) != 4:
        raise refuse(call.number, call.step, "windows have two sides in C")
    strides, padding, dilation = (
        call.step.integers(letter, 2, default) for letter, default in zip("spd", (1, 0, 1), strict=True)
    )
    sides = [*call.input_shape[2:], *call.shape[2:], *kernel, *strides, *padding, *dilation]
    return integers(f"{call.name}_window", "window", sides)


def _max_pool(call: Call) -> Code:
    shape = window(call, tuple(call.step.integers("k", 2, 1)))
    return Code((f"max_pool(&{shape.name}, {call.inputs[0]}, {call.output});",), frozenset({"max_pool"}), (shape,))


def _avg_pool(call: Call) -> Code:
    shape = window(call, tuple(call.step.integers("k", 2, 1)))
    counts_padding = int("x" not in call.step.options)
    line = f"avg_pool(&{shape.name}, {call.inputs[0]}, {call.output}, {counts_padding});"
    return Code((line,), frozenset({"smaller", "larger", "average", "avg_pool"}), (shape,))


def _mean(call: Call) -> Code:
    if len(call.input_shape) < 3:
        raise refuse(call.number, call.step, "its input has no pixels")
    count = call.counts[0]
    line = f"*({call.output}) = average({call.inputs[0]}, {count}, 0, 1, 0, {count}, {count});"
    return Code((line,), frozenset({"average"}))


def _adaptive_avg_pool(call: Call) -> Code:
    if call.count == 1:
        return _mean(call)
    if len(call.input_shape) != 4:
        raise refuse(call.number, call.step, "windows have two sides in C")
    (height, width), (rows, columns) = call.input_shape[2:], call.shape[2:]
    line = f"adaptive_avg_pool({call.inputs[0]}, {height}, {width}, {call.output}, {rows}, {columns});"
    return Code((line,), frozenset({"steps_to", "average", "adaptive_avg_pool"}))


def _flatten(call: Call) -> Code:
    if call.inputs[0] == call.output:
        return Code(("/* the same numbers */",))
    return Code((f"copy({call.inputs[0]}, {call.output}, {call.count});",), frozenset({"copy"}))


def _cat(call: Call) -> Code:
    lines, at = [], 0
    for pointer, count in zip(call.inputs, call.counts, strict=True):
        lines.append(f"copy({pointer}, {call.output} + {at}, {count});")
        at += count
    return Code(tuple(lines), frozenset({"copy"}))


def _slice(call: Call) -> Code:
    shape, dimension = call.input_shape, call.step.integers("d", 1, 1)[0]
    if dimension < 1:
        raise refuse(call.number, call.step, "it does not cut a map")
    ends = call.step.integers("t", 1, 0)[0] if "t" in call.step.options else None
    start, _, stride = slice(call.step.integers("f", 1, 0)[0], ends, call.step.integers("s", 1, 1)[0]).indices(
        shape[dimension]
    )
    numbers = (prod(shape[1:dimension]), shape[dimension], prod(shape[dimension + 1 :]), start, stride)
    listed = ", ".join(map(str, (*numbers, call.shape[dimension])))
    return Code((f"slice_map({call.inputs[0]}, {call.output}, {listed});",), frozenset({"slice_map"}))


def _pad(call: Call) -> Code:
    sides, result = call.input_shape[1:], call.shape[1:]
    padding = call.step.options.get("p", ())
    before = [int(side) for side in padding[::2]]
    if len(sides) > 3 or any(padding[2 * len(sides) :]):
        raise refuse(call.number, call.step, "it pads more than the sides of a map")
    before = [*before, *[0] * len(sides)][: len(sides)][::-1]
    numbers = [side for triple in (sides, result) for side in (*triple, 1, 1)[:3]] + [*before, 0, 0][:3]
    constant = integers(f"{call.name}_sides", "int32_t", numbers)
    line = f"pad_map({call.inputs[0]}, {call.output}, {constant.name});"
    return Code((line,), frozenset({"pad_map"}), (constant,))


def _local_response_norm(call: Call) -> Code:
    step = call.step
    size = step.integers("n", 1, 5)[0]
    options = [number(step.number(letter, default)) for letter, default in (("a", 1e-4), ("b", 0.75), ("k", 1.0))]
    numbers = (channels(call.shape), area(call.shape), size, *options)
    line = f"local_response_norm({call.inputs[0]}, {call.output}, {', '.join(map(str, numbers))});"
    return Code((line,), frozenset({"smaller", "larger", "local_response_norm"}))


OPERATIONS: dict[str, Callable[[Call], Code]] = {
    **dict.fromkeys(("relu", "round", "sigmoid", "tanh", "silu", "gelu", "hardswish", "hardsigmoid"), _elementwise()),
    "clamp": _elementwise("lh"),
    "leaky_relu": _elementwise("a"),
    "power": _power,
    "scale": lambda call: _map(call, "affine", number(call.step.number("v", 0)), number(0)),
    "shift": lambda call: _map(call, "affine", number(1), number(call.step.number("v", 0))),
    "batch_norm": _batch_norm,
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), _binary),
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_avg_pool": _adaptive_avg_pool,
    "mean": _mean,
    "flatten": _flatten,
    "cat": _cat,
    "slice": _slice,
    "pad": _pad,
    "local_response_norm": _local_response_norm,
}
