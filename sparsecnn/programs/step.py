"""A network as a list of steps, and the text that a packed file holds of it.

    conv conv1 b p2;max_pool k3 s2 c;relu;flatten;linear ip1 b

A step is an operation, the name of the layer whose values it uses if it has any, options (a letter and numbers), and
where its inputs come from: `@3` is the result of the third step, `@0` the image; without it, the step before.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Number = int | float
OPTION = re.compile(r"([a-z])((?:-?\d[\d.e+-]*(?:,-?\d[\d.e+-]*)*)?)")
MOST_STEPS = 10_000


@dataclass(frozen=True)
class Step:
    """One operation. `options` maps a letter to numbers, an empty tuple being a flag; `inputs` are numbers of steps."""

    operation: str
    inputs: tuple[int, ...]
    layer: str | None = None
    options: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)

    def numbers(self, letter: str, count: int, default: Number) -> list[Number]:
        """The numbers of an option, one standing for all `count`; ValueError when there are others."""
        given = self.options.get(letter, (default,))
        if len(given) not in (1, count):
            raise ValueError(f"{self.operation} takes {count} numbers for {letter}, not {len(given)}")
        return list(given) * (count if len(given) == 1 else 1)

    def number(self, letter: str, default: Number) -> Number:
        """The one number of an option."""
        return self.numbers(letter, 1, default)[0]

    def integers(self, letter: str, count: int, default: int) -> list[int]:
        """Like `numbers`, for options that must be whole."""
        numbers = self.numbers(letter, count, default)
        if not all(isinstance(number, int) for number in numbers):
            raise ValueError(f"{self.operation} takes whole numbers for {letter}")
        return [int(number) for number in numbers]


@dataclass(frozen=True)
class Program:
    """Steps in the order in which they are computed; the last one gives the class scores [N, K]."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return ";".join(_text(step, number) for number, step in enumerate(self.steps, start=1))


def parse_program(text: str) -> Program:
    """The program of a text; ValueError, which names the step, for one that cannot be read."""
    parts = text.split(";")
    if len(parts) > MOST_STEPS:
        raise ValueError(f"a program cannot have {len(parts)} steps")
    return Program(tuple(_step(part, number) for number, part in enumerate(parts, start=1)))


def _text(step: Step, number: int) -> str:
    words = [step.operation, *([step.layer] if step.layer else [])]
    words += [letter + ",".join(map(repr, numbers)) for letter, numbers in step.options.items()]
    if step.inputs != (number - 1,):
        words += [f"@{source}" for source in step.inputs]
    return " ".join(words)


def _step(text: str, number: int) -> Step:
    words = text.split(" ")
    operation, layer = words[0], None
    if operation in LAYERED:
        layer = words.pop(1) if len(words) > 1 else None
        if not layer:
            raise ValueError(f"step {number} names no layer: {text[:60]!r}")
    options = {}
    inputs = []
    for word in words[1:]:
        if word.startswith("@") and word[1:].isdecimal() and len(word) < 8 and int(word[1:]) < number:
            inputs.append(int(word[1:]))
        elif (match := OPTION.fullmatch(word)) and match[1] not in options:
            options[match[1]] = tuple(_numbers(match[2], text, number))
        else:
            raise _unreadable(text, number)
    return Step(operation, tuple(inputs) or (number - 1,), layer, options)


# Operations whose values are named after a layer of the network.
LAYERED = ("conv", "linear", "batch_norm")


def _numbers(words: str, text: str, number: int) -> Iterable[Number]:
    for word in words.split(",") if words else ():
        try:
            yield int(word) if re.fullmatch(r"-?\d{1,12}", word) else float(word)
        except ValueError as error:
            raise _unreadable(text, number) from error


def _unreadable(text: str, number: int) -> ValueError:
    return ValueError(f"step {number} cannot be read: {text[:60]!r}")
