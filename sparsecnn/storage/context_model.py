"""The context coder in Python: the specification that runs, and the fallback where there is no C compiler.

Names and numbers are those of context_coder.c; docs/packed-format.md says why they are so.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sparsecnn.storage.masks import Geometry, Mask, Positions

Bytes = NDArray[np.uint8]
ONE = 1 << 16
FIRST_EVIDENCE = 3 * ONE
MOST_EVIDENCE = 128 * ONE
LARGEST_LOGIT = 11 * ONE - 1
MOST_OVERRUN = 4
# 65536 / (1 + exp(-i / 4)), rounded, at most 65535.
LOGISTIC = (
    *(32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615),
    *(64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489),
    *(65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535),
)


def probability(logit: int) -> int:
    """The probability of a one, in 1/65536, for log-odds in 1/65536 nats."""
    at, part = divmod(min(abs(logit), LARGEST_LOGIT), 1 << 14)
    upper = LOGISTIC[at] + ((LOGISTIC[at + 1] - LOGISTIC[at]) * part >> 14)
    return ONE - upper if logit < 0 else upper


class Coder:
    """A binary range coder; with `data` it decodes, without it encodes. `terms` are what each context has learnt."""

    def __init__(self, data: bytes | None = None) -> None:
        self.low, self.high = 0, 0xFFFFFFFF
        self.decodes = data is not None
        self.data = bytearray(data or b"")
        self.at = 0
        self.terms: dict[Hashable, list[int]] = defaultdict(lambda: [0, FIRST_EVIDENCE])
        self.code = int.from_bytes(bytes(self._next() for _ in range(4))) if self.decodes else 0

    def bit(self, contexts: Sequence[Hashable], bit: int, offset: int = 0) -> int:
        """Codes one bit under the sum of the terms of `contexts`, which then learn it; returns the bit."""
        terms = [self.terms[context] for context in contexts]
        one = probability(offset + sum(weight for weight, _ in terms))
        middle = self.low + ((self.high - self.low) * one >> 16)
        if self.decodes:
            bit = int(self.code <= middle)
        self.low, self.high = (self.low, middle) if bit else (middle + 1, self.high)
        while (self.low ^ self.high) >> 24 == 0:
            self._shift()
        error, seen = bit * ONE - one, one * (ONE - one) >> 16
        for term in terms:
            term[1] = min(term[1] + seen, MOST_EVIDENCE)
            # Towards zero, as in C.
            step = abs(error) * ONE // term[1]
            term[0] += step if error > 0 else -step
        return bit

    def finish(self) -> bytes:
        """The data, with the fewest bytes at the end behind which a reader may imagine zeros."""
        shift = 24
        while self.high >> shift << shift < self.low:
            shift -= 8
        return bytes(self.data) + self.high.to_bytes(4)[: 4 - shift // 8]

    @property
    def is_overrun(self) -> bool:
        """Whether more was read than an encoder leaves out."""
        return self.at > len(self.data) + MOST_OVERRUN

    def _shift(self) -> None:
        if self.decodes:
            self.code = self.code << 8 & 0xFFFFFFFF | self._next()
        else:
            self.data.append(self.high >> 24)
        self.low, self.high = self.low << 8 & 0xFFFFFFFF, self.high << 8 & 0xFFFFFFFF | 255

    def _next(self) -> int:
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return byte


def encode_mask(mask: Mask, offset: int) -> bytes:
    """As in context_coder.py."""
    coder, nonzeros = Coder(), set(mask.positions.tolist())
    for _ in _mask_bits(coder, mask.geometry, offset, nonzeros):
        pass
    return coder.finish()


def decode_mask(data: bytes, geometry: Geometry, offset: int, nonzeros: int) -> Positions:
    """As in context_coder.py."""
    coder, found = Coder(data), []
    for at, bit in _mask_bits(coder, geometry, offset, set()):
        if bit:
            found.append(at)
        if coder.is_overrun or len(found) > nonzeros:
            raise ValueError("its coded bits do not end where they should")
    if len(found) != nonzeros:
        raise ValueError(f"it holds {len(found)} nonzeros, not {nonzeros}")
    return np.array(found, np.int32)


def encode_values(mask: Mask, symbols: Bytes, signs: Bytes | None, bits: int) -> bytes:
    """As in context_coder.py."""
    coder = Coder()
    _values(coder, mask, bits, symbols.tolist(), None if signs is None else signs.tolist())
    return coder.finish()


def decode_values(data: bytes, mask: Mask, bits: int, *, signed: bool) -> tuple[Bytes, Bytes | None]:
    """As in context_coder.py."""
    symbols, signs = [0] * mask.nonzeros, [0] * mask.nonzeros if signed else None
    _values(Coder(data), mask, bits, symbols, signs)
    return np.array(symbols, np.uint8), None if signs is None else np.array(signs, np.uint8)


def _mask_bits(coder: Coder, geometry: Geometry, offset: int, nonzeros: set[int]) -> Iterator[tuple[int, int]]:
    area, width = geometry.area, geometry.width
    for row in range(geometry.rows):
        line = [0] * geometry.columns
        for column in range(geometry.columns):
            at, place = row * geometry.columns + column, column % area
            x, y = place % width, place // width
            left, up = x > 0 and line[column - 1], y > 0 and line[column - width]
            up_left = x > 0 and y > 0 and line[column - width - 1]
            up_right = y > 0 and x + 1 < width and line[column - width + 1]
            left2, up2 = x > 1 and line[column - 2], y > 1 and line[column - 2 * width]
            near = bool(left), bool(up), bool(up_left), bool(up_right), bool(left2), bool(up2)
            contexts = ("row", row), ("channel", column // area), ("place", place), ("near", near)
            line[column] = coder.bit(contexts, int(at in nonzeros), offset)
            yield at, line[column]


def _values(coder: Coder, mask: Mask, bits: int, symbols: list[int], signs: list[int] | None) -> None:
    geometry, before = mask.geometry, -1
    area, width = geometry.area, geometry.width
    line: list[int] = []
    line_signs: list[int] = []
    for i, at in enumerate(mask.positions.tolist()):
        row, column = divmod(at, geometry.columns)
        if row != before:
            before, line, line_signs = row, [0] * geometry.columns, [0] * geometry.columns
        place = column % area
        near = line[column - 1] if place % width else 0
        if near == 0 and place >= width:
            near = line[column - width]
        symbols[i] = _symbol(coder, bits, row, near, symbols[i])
        line[column] = symbols[i] + 1
        if signs is not None:
            signs[i] = coder.bit(_sign_contexts(line_signs, column, place, geometry), signs[i])
            line_signs[column] = signs[i] + 1
        if coder.decodes and coder.is_overrun:
            raise ValueError("its coded bits do not end where they should")


def _symbol(coder: Coder, bits: int, row: int, near: int, symbol: int) -> int:
    node = 1
    for level in range(bits - 1, -1, -1):
        contexts = ("node", node), ("row", row, node), ("near", near, node)
        node = node << 1 | coder.bit(contexts, symbol >> level & 1)
    return node - (1 << bits)


def _sign_contexts(line: list[int], column: int, place: int, geometry: Geometry) -> list[Hashable]:
    area, width = geometry.area, geometry.width
    x, y = place % width, place // width
    left, up = line[column - 1] if x else 0, line[column - width] if y else 0
    up_left = line[column - width - 1] if x and y else 0
    up_right = line[column - width + 1] if y and x + 1 < width else 0
    channel_before = line[column - area] if column >= area else 0
    around = {"left": left, "up": up, "up left": up_left, "up right": up_right, "before": channel_before}
    return [*around.items(), ("joint", left, up, up_left, channel_before)]
