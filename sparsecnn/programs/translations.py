"""Which ATen operations become which steps of a program."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from torch import fx

from sparsecnn.programs.step import Number

Arguments = Mapping[str, Any]
Options = dict[str, tuple[Number, ...]]


class UntraceableError(ValueError):
    """A network that does something for which programs have no operation; the message says what."""


def is_whole(arguments: Arguments) -> bool:
    """Whether a slice takes everything."""
    return (arguments["start"] in (None, 0)) and arguments["end"] in (None, 2**63 - 1) and arguments["step"] == 1


def _without(default: Sequence[Number] | Number, numbers: Sequence[Number] | Number | None) -> tuple[Number, ...]:
    """An option's numbers, one for all when they are equal; empty when they are the default."""
    given = tuple(numbers) if isinstance(numbers, Sequence) else () if numbers is None else (numbers,)
    short = given[:1] if len(set(given)) == 1 else given
    return () if short in ((), (default,)) else short


def _options(**numbers: tuple[Number, ...]) -> Options:
    return {letter: values for letter, values in numbers.items() if values}


def _window(arguments: Arguments, **flags: bool) -> Options:
    kernel = _without(0, arguments["kernel_size"])
    # No stride means that of the kernel.
    options = _options(
        k=kernel,
        s=_without(1, arguments["stride"]) if arguments["stride"] else kernel,
        p=_without(0, arguments["padding"]),
        d=_without(1, arguments.get("dilation")),
    )
    return options | {letter: () for letter, is_set in flags.items() if is_set}


def _convolution(arguments: Arguments) -> tuple[str, Options]:
    padding = arguments["padding"]
    return "conv", _options(
        s=_without(1, arguments["stride"]),
        p=_without(0, _same_padding(arguments) if padding == "same" else 0 if padding == "valid" else padding),
        d=_without(1, arguments["dilation"]),
        g=_without(1, arguments["groups"]),
    )


def _transposed(arguments: Arguments) -> tuple[str, Options]:
    if arguments["bias"] is not None or {*arguments["stride"], 1} != {1} or any(arguments["output_padding"]):
        raise UntraceableError("programs transpose convolutions of stride 1 without a bias alone")
    options = _options(
        p=_without(0, arguments["padding"]), d=_without(1, arguments["dilation"]), g=_without(1, arguments["groups"])
    )
    return "conv", {"t": (), **options}


def _same_padding(arguments: Arguments) -> list[int]:
    """What keeps the size of a map, where it is the same on both sides."""
    sides = arguments["weight"].meta["val"].shape[2:]
    dilations = list(arguments["dilation"]) * (len(sides) if len(arguments["dilation"]) == 1 else 1)
    reaches = [(side - 1) * dilation for side, dilation in zip(sides, dilations, strict=True)]
    if any(reach % 2 for reach in reaches):
        raise UntraceableError("programs have no padding that differs between the sides of a map")
    return [reach // 2 for reach in reaches]


def _max_pool(arguments: Arguments) -> tuple[str, Options]:
    return "max_pool", _window(arguments, c=arguments["ceil_mode"])


def _avg_pool(arguments: Arguments) -> tuple[str, Options]:
    if arguments.get("divisor_override") is not None:
        raise UntraceableError("programs have no average pooling with a divisor of its own")
    return "avg_pool", _window(arguments, c=arguments["ceil_mode"], x=not arguments["count_include_pad"])


def _batch_norm(arguments: Arguments) -> tuple[str, Options]:
    options: Options = {"x": ()} if arguments["weight"] is None else {}
    return "batch_norm", options | _options(e=_without(1e-5, arguments["eps"]))


def _mean(arguments: Arguments) -> tuple[str, Options]:
    sides = arguments["self"].meta["val"].dim()
    if sorted(side % sides for side in arguments.get("dim") or range(sides)) != list(range(2, sides)):
        raise UntraceableError("programs have no mean but that of all pixels")
    return "mean", {"k": ()} if arguments["keepdim"] else {}


def _pad(arguments: Arguments) -> tuple[str, Options]:
    if arguments.get("mode", "constant") != "constant" or arguments["value"] not in (None, 0, 0.0):
        raise UntraceableError("programs have no padding but zeros")
    return "pad", {"p": tuple(arguments["pad"])}


def _slice(arguments: Arguments) -> tuple[str, Options]:
    end = arguments["end"]
    return "slice", _options(
        d=(arguments["dim"],),
        f=_without(0, arguments["start"]),
        t=() if end in (None, 2**63 - 1) else (end,),
        s=_without(1, arguments["step"]),
    )


def _flatten(arguments: Arguments) -> tuple[str, Options]:
    if arguments["start_dim"] != 1 or arguments["end_dim"] != -1:
        raise UntraceableError("programs flatten everything behind the examples or nothing")
    return "flatten", {}


def _view(arguments: Arguments) -> tuple[str, Options]:
    if len(arguments.get("size") or arguments.get("shape") or ()) != 2:
        raise UntraceableError("programs have no view but a flat one")
    return "flatten", {}


def _cat(arguments: Arguments) -> tuple[str, Options]:
    if arguments["dim"] != 1:
        raise UntraceableError("programs join channels alone")
    return "cat", {}


def _between(operation: str, scalar: str) -> Callable[[Arguments], tuple[str, Options]]:
    """An operation between two maps, or with a number."""

    def translate(arguments: Arguments) -> tuple[str, Options]:
        if arguments.get("alpha", 1) != 1 or arguments.get("rounding_mode") is not None:
            raise UntraceableError(f"programs have no {operation} with options")
        other = arguments["other"]
        if isinstance(other, fx.Node):
            return operation, {}
        if operation == "divide" and other == 0:
            raise UntraceableError("programs do not divide by zero")
        value = {"subtract": lambda number: -number, "divide": lambda number: 1 / number}.get(operation, float)(other)
        return scalar, {"v": (float(value),)}

    return translate


def _clamp(arguments: Arguments) -> tuple[str, Options]:
    least, greatest = arguments["min"], arguments["max"]
    if least == 0 and greatest is None:
        return "relu", {}
    if not all(isinstance(limit, int | float) and abs(limit) < inf for limit in (least, greatest)):
        raise UntraceableError("programs clamp between two numbers")
    return "clamp", {"l": (least,), "h": (greatest,)}


def _with(operation: str, **letters: str) -> Callable[[Arguments], tuple[str, Options]]:
    """An operation on one map whose options are the arguments of these names."""

    def translate(arguments: Arguments) -> tuple[str, Options]:
        return operation, {letter: (arguments[name],) for letter, name in letters.items()}

    return translate


def _power(arguments: Arguments) -> tuple[str, Options]:
    exponent = arguments["exponent"]
    if not isinstance(exponent, int | float):
        raise UntraceableError("programs have no power but that of a number")
    return "power", {"v": (exponent,)}


_ADD, _MULTIPLY = _between("add", "shift"), _between("multiply", "scale")
TRANSLATIONS: dict[str, Callable[[Arguments], tuple[str, Options]]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "linear": _with("linear"),
    "batch_norm": _batch_norm,
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), _max_pool),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _avg_pool),
    **dict.fromkeys(
        ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
        lambda arguments: ("adaptive_avg_pool", {"o": tuple(arguments["output_size"])}),
    ),
    "mean": _mean,
    "slice": _slice,
    "pad": _pad,
    "flatten": _flatten,
    "view": _view,
    "reshape": _view,
    "cat": _cat,
    "local_response_norm": _with("local_response_norm", n="size", a="alpha", b="beta", k="k"),
    **{name: _with(name.strip("_")) for name in ("relu", "relu_", "sigmoid", "sigmoid_", "tanh", "tanh_")},
    **{name: _with(name.strip("_")) for name in ("silu", "silu_", "hardswish", "hardswish_")},
    **{name: _with(name.strip("_")) for name in ("hardsigmoid", "hardsigmoid_")},
    **dict.fromkeys(("clamp", "clamp_"), _clamp),
    **dict.fromkeys(
        ("hardtanh", "hardtanh_"),
        lambda arguments: _clamp({"min": arguments["min_val"], "max": arguments["max_val"]}),
    ),
    **dict.fromkeys(("relu6", "relu6_"), lambda arguments: ("clamp", {"l": (0,), "h": (6,)})),
    **dict.fromkeys(("leaky_relu", "leaky_relu_"), _with("leaky_relu", a="negative_slope")),
    **{name: _with(name) for name in ("gelu", "round")},
    **dict.fromkeys(("add", "add_"), _ADD),
    **dict.fromkeys(("mul", "mul_"), _MULTIPLY),
    **dict.fromkeys(("sub", "sub_"), _between("subtract", "shift")),
    **dict.fromkeys(("div", "div_"), _between("divide", "scale")),
    "square": lambda arguments: ("power", {"v": (2,)}),
    "pow": _power,
    **dict.fromkeys(("dropout", "dropout_", "contiguous", "clone", "alias", "detach"), _with("flatten")),
}
# Operations that change nothing in an evaluation.
IDENTITIES = {"dropout", "dropout_", "contiguous", "clone", "alias", "detach"}
