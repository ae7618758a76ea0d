"""Hydra's errors as one line that names what would have been right."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from hydra.core.override_parser.types import Override
from omegaconf.errors import MissingMandatoryValue

PLAIN_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    NoneType: "null",
}
# Of 1; two words of which less is alike are not taken for each other.
LEAST_LIKENESS = 0.6
PLURALS = {int: "whole numbers", float: "numbers", str: "texts"}


def words(hint: Any) -> str:
    """A type annotation in words: "a whole number or null"; anything but plain values is a part."""
    arguments = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(words(argument) for argument in arguments)
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if get_origin(hint) is Sequence:
        return f"a list of {PLURALS.get(arguments[0], 'values')}"
    if get_origin(hint) is Mapping:
        return "a mapping"
    return PLAIN_WORDS.get(hint, "a part with a _target_")


def suggestion(name: str, valid: Sequence[str]) -> str:
    """ "; did you mean X?" with the nearest of `valid`, or nothing when none is near.

    The last part of a key counts as much as the whole: it may be right, or nearly so, in another node.
    """
    nearness = {key: (_likeness(name, key) + _likeness(_leaf(name), _leaf(key))) / 2 for key in valid}
    nearest = max(nearness, key=nearness.__getitem__, default="")
    return f"; did you mean {nearest}?" if nearness.get(nearest, 0.0) >= LEAST_LIKENESS else ""


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b).ratio()


def _leaf(key: str) -> str:
    return key.rpartition(".")[2]


def explain(
    error: Exception, parsed: Sequence[Override], keys: Sequence[str], choices: Mapping[str, Sequence[str]]
) -> str:
    """What is wrong with the overrides, in one line.

    `keys` are the keys of the default configuration, `choices` the names in each group.
    """
    for override in parsed:
        name, value = override.key_or_group, override.value()
        if override.is_sweep_override():
            return f"{override.input_line} names several values; --multirun runs each of them"
        if override.package is not None:
            name = f"{name}@{override.package}"
        if name in choices:
            valid = choices[name]
            if not override.is_delete() and str(value) not in valid and not _may_be_null(name, value):
                shown = "null" if value is None else str(value)
                near = suggestion(shown, valid) if value is not None else ""
                return f"{name} has no choice {shown}{near} (choices: {', '.join(valid)})"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} has no value; set it with {error.full_key}=..."
    message = _first_line(error)
    for override in parsed:
        name = override.key_or_group
        if override.package is not None:
            name = f"{name}@{override.package}"
        if not override.is_add() and name not in keys and name not in choices:
            return f"there is no key {name}{suggestion(name, [*keys, *choices])}"
    return message


def _may_be_null(name: str, value: object) -> bool:
    return value is None and (name == "experiment" or "@" in name)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
