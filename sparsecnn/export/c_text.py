"""Pieces of C: names, comments, numbers and constant arrays."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sparsecnn.errors import ConfigError

# What one value of a constant takes; a window is a struct of numbers of 32 bits.
TYPE_BYTES = {"float": 4, "int32_t": 4, "window": 4, "uint16_t": 2, "int8_t": 1, "uint8_t": 1}
STRUCTS = ("window",)
KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
    ]
)
LINE = 110


@dataclass(frozen=True)
class Constant:
    """An array or a struct in flash; `bytes` is what the compiler gives it."""

    name: str
    kind: str
    values: Sequence[str]

    @property
    def bytes(self) -> int:
        """Types of C that have the same size everywhere."""
        return len(self.values) * TYPE_BYTES[self.kind]

    @property
    def text(self) -> str:
        """Its definition."""
        brackets = "" if self.kind in STRUCTS else f"[{len(self.values)}]"
        return f"static const {self.kind} {self.name}{brackets} = {{\n{_wrapped(self.values)}\n}};\n"


def _wrapped(values: Sequence[str]) -> str:
    columns = max(LINE // (max(map(len, values)) + 2), 1)
    rows = (values[at : at + columns] for at in range(0, len(values), columns))
    return ",\n".join("    " + ", ".join(row) for row in rows)


def floats(name: str, values: Iterable[float]) -> Constant:
    """An array of float."""
    rounded = np.asarray(list(values), np.float32)
    if np.isfinite(rounded).all():
        return Constant(name, "float", [f"{value}f" for value in rounded])
    return Constant(name, "float", [number(value) for value in rounded.tolist()])


def integers(name: str, kind: str, values: Iterable[int]) -> Constant:
    """An array of an integer type."""
    return Constant(name, kind, [str(value) for value in values])


def number(value: float) -> str:
    """The shortest literal of a float; C99 has names for those that have no digits."""
    with np.errstate(over="ignore"):
        rounded = np.float32(value)
    if np.isnan(rounded):
        return "NAN"
    if np.isinf(rounded):
        return "INFINITY" if rounded > 0 else "-INFINITY"
    return f"{rounded}f"


def checked_name(name: str) -> str:
    """`name`, which must do as the beginning of names in C; ConfigError otherwise."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in KEYWORDS:
        raise ConfigError(f"the name must be letters, digits and _, beginning with a letter, got {name!r}")
    return name


def part_of_name(text: str) -> str:
    """`text` with what no name in C may contain replaced."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def comment(text: str) -> str:
    """A comment that `text` cannot end: a layer's name may contain anything."""
    return f"/* {re.sub(r'[^A-Za-z0-9_.,:;@+ -]', '_', text)} */"
