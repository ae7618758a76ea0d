"""Where results are in memory: as few floats of scratch as the lifetimes of maps allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparsecnn.export.parts import Parts
from sparsecnn.export.stages import ELEMENTWISE, Stage, area, changes_area, channels, elements, is_by_channel

IMAGE, SCORES, SCRATCH = "image", "scores", "scratch"


@dataclass(frozen=True)
class Place:
    """So many floats behind the beginning of `base`."""

    base: str
    offset: int = 0


@dataclass(frozen=True)
class Plan:
    """`maps` are the places of results outside their stage, `planes` those of single channels inside it.

    A result whose number is in `planes` is written there, the others channel by channel to their map.
    """

    maps: Mapping[int, Place]
    planes: Mapping[int, Place]
    floats: int


@dataclass
class _Span:
    """A piece of memory that is in use from one stage to another, both included."""

    size: int
    first: int
    last: int


def plan_of(stages: Sequence[Stage], parts: Parts) -> Plan:
    """Places for all results of `stages`."""
    return _Planning(stages, parts).plan()


class _Planning:
    """What is known of memory while the stages are gone through, in order."""

    def __init__(self, stages: Sequence[Stage], parts: Parts) -> None:
        self.stages, self.parts = stages, parts
        self.spans = [_Span(elements(parts.shapes[0]), 0, 0)]
        self.owners = {0: 0}
        self.planes: dict[int, int] = {}
        self.last_reads = {0: 0}
        for index, stage in enumerate(stages):
            for number in stage.numbers:
                self.last_reads[number] = index
                for source in parts.program.steps[number - 1].inputs:
                    self.last_reads[source] = index

    def plan(self) -> Plan:
        for index, stage in enumerate(self.stages):
            self._add(index, stage)
        for number, owner in self.owners.items():
            self.spans[owner].last = max(self.spans[owner].last, self.last_reads[number])
        scores = self.owners[len(self.parts.program.steps)]
        inside = {owner: span for owner, span in enumerate(self.spans) if owner not in (0, scores)}
        offsets, floats = place(inside)
        places = {owner: Place(SCRATCH, offset) for owner, offset in offsets.items()}
        places |= {0: Place(IMAGE), scores: Place(SCORES)}
        maps = {number: places[owner] for number, owner in self.owners.items()}
        return Plan(maps, {number: places[owner] for number, owner in self.planes.items()}, floats)

    def _add(self, index: int, stage: Stage) -> None:
        parts, (source, *_) = self.parts, self.parts.program.steps[stage.first - 1].inputs
        is_copy = self.owners.get(source) == 0 and stage.last == len(parts.program.steps)
        if parts.program.steps[stage.first - 1].operation == "flatten" and not is_copy:
            self.owners[stage.last] = self.owners[source]
            return
        landing, shared = self._landing(index, stage)
        self.owners[stage.last] = self._new(elements(parts.shapes[stage.last]), index) if shared is None else shared
        for number in range(stage.first, landing):
            fresh = changes_area(number, stage, parts)
            self.planes[number] = self._new(area(parts.shapes[number]), index) if fresh else self.planes[number - 1]

    def _new(self, size: int, index: int) -> int:
        self.spans.append(_Span(size, index, index))
        return len(self.spans) - 1

    def _landing(self, index: int, stage: Stage) -> tuple[int, int | None]:
        """The first step that writes to the stage's map, and the memory of an input that dies if it can be there."""
        landing = max(number for number in stage.numbers if changes_area(number, stage, self.parts))
        for number in range(landing, stage.last + 1):
            step = self.parts.program.steps[number - 1]
            if step.operation in ELEMENTWISE:
                for source in step.inputs:
                    if source < stage.first and self._can_hold(source, index, stage, number):
                        return number, self.owners[source]
        return landing, None

    def _can_hold(self, source: int, index: int, stage: Stage, number: int) -> bool:
        """Whether the stage's map can be where `source` is, which step `number` reads element by element."""
        owner, shapes, steps = self.owners[source], self.parts.shapes, self.parts.program.steps
        have, need = shapes[source], shapes[stage.last]
        if owner == 0 or (channels(have), area(have)) != (channels(need), area(need)):
            return False
        if any(self.last_reads[result] > index for result, its in self.owners.items() if its == owner):
            return False
        too_late = {*range(number + 1, stage.last + 1)}
        if not is_by_channel(stage.first, self.parts):
            too_late.add(stage.first)
        return not any(self.owners.get(read) == owner for late in too_late for read in steps[late - 1].inputs)


def place(spans: Mapping[int, _Span]) -> tuple[dict[int, int], int]:
    """Offsets of spans such that no two of the same time overlap, and the memory they take.

    The largest goes first, each to the lowest place that is free while it is in use.
    """
    offsets: dict[int, int] = {}
    for key, span in sorted(spans.items(), key=lambda item: -item[1].size):
        taken = sorted(
            (offsets[other], spans[other].size)
            for other in offsets
            if spans[other].first <= span.last and span.first <= spans[other].last
        )
        offset = 0
        for start, size in taken:
            if offset + span.size <= start:
                break
            offset = max(offset, start + size)
        offsets[key] = offset
    return offsets, max((offset + spans[key].size for key, offset in offsets.items()), default=0)
