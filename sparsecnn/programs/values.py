"""The values that a program uses, in the order in which a packed file holds them."""

from collections.abc import Mapping

from sparsecnn.programs.step import Program, Step

Shape = tuple[int, ...]


def weight_names(program: Program) -> list[str]:
    """The layers whose weights the program uses, in the order of their first use."""
    used = [step.layer for step in program.steps if step.operation in ("conv", "linear") and step.layer]
    return list(dict.fromkeys(used))


def other_sizes(program: Program, weights: Mapping[str, Shape]) -> dict[str, int]:
    """The names and lengths of all other values, in the order of their first use; `weights` are shapes by layer.

    A bias is as long as its layer has outputs, a normalisation says its channels itself. ValueError for a layer that
    is missing or two lengths of one name.
    """
    sizes: dict[str, int] = {}
    for step in program.steps:
        for name, size in _others(step, weights):
            if sizes.setdefault(name, size) != size:
                raise ValueError(f"{name} is used with {sizes[name]} and with {size} channels")
    return sizes


def _others(step: Step, weights: Mapping[str, Shape]) -> list[tuple[str, int]]:
    if step.operation == "batch_norm":
        affine = [] if "x" in step.options else ["weight", "bias"]
        (channels,) = step.integers("n", 1, 0)
        if channels < 1:
            raise ValueError(f"{step.layer} says no number of channels")
        return [(f"{step.layer}.{name}", channels) for name in (*affine, "running_mean", "running_var")]
    if "b" in step.options and step.layer:
        if step.layer not in weights:
            raise ValueError(f"there is no layer {step.layer}")
        return [(f"{step.layer}.bias", weights[step.layer][0])]
    return []
