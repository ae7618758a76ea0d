"""A stage in C: a loop over channels with one call a step, or the call of the one step that it is."""

from collections.abc import Mapping

from sparsecnn.export.c_layer import StoredLayer
from sparsecnn.export.c_layers import LAYER_OPERATIONS
from sparsecnn.export.c_operations import OPERATIONS, Call, Code
from sparsecnn.export.c_text import comment
from sparsecnn.export.parts import Parts, refuse
from sparsecnn.export.scratch import Place, Plan
from sparsecnn.export.stages import ELEMENTWISE, LAYERS, POOLINGS, Stage, area, channels, elements, is_by_channel

WRITERS = OPERATIONS | LAYER_OPERATIONS


def stage_code(stage: Stage, parts: Parts, plan: Plan, layers: Mapping[str, StoredLayer | None]) -> Code:
    """The block of `stage`; ConfigError for a step that C has no operation for."""
    writing = _Writing(stage, parts, plan, layers)
    codes = [writing.step(number) for number in stage.numbers]
    setup = [line for code in codes for line in code.setup]
    lines = [line for code in codes for line in code.lines]
    if writing.is_by_channel:
        count = channels(parts.shapes[stage.last])
        lines = [*setup, f"for (int32_t c = 0; c < {count}; ++c) {{", *_indented(lines), "}"]
    texts = str(parts.program).split(";")
    titles = [comment(f"step {number}: {texts[number - 1]}") for number in stage.numbers]
    helpers = frozenset[str]().union(*(code.helpers for code in codes))
    constants = tuple(constant for code in codes for constant in code.constants)
    return Code((*titles, "{", *_indented(lines), "}"), helpers, constants)


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


class _Writing:
    """Where a stage finds and leaves its maps."""

    def __init__(self, stage: Stage, parts: Parts, plan: Plan, layers: Mapping[str, StoredLayer | None]) -> None:
        self.stage, self.parts, self.plan, self.layers = stage, parts, plan, layers
        steps = [parts.program.steps[number - 1] for number in stage.numbers]
        operations = {step.operation for step in steps}
        shapes = {parts.shapes[number] for number in stage.numbers}
        shapes |= {parts.shapes[source] for step in steps for source in step.inputs}
        has_planes = any(number in plan.planes for number in stage.numbers)
        # Where all elements are treated alike, one loop over all of them does.
        is_uniform = operations <= ELEMENTWISE - {"batch_norm"} and len(shapes) == 1 and not has_planes
        self.is_by_channel = operations <= LAYERS | POOLINGS | ELEMENTWISE and not is_uniform

    def step(self, number: int) -> Code:
        step = self.parts.program.steps[number - 1]
        if step.operation not in WRITERS:
            raise refuse(number, step, "C has no such operation")
        shapes = [self.parts.shapes[source] for source in step.inputs]
        is_layer, is_whole = step.operation in LAYERS, not is_by_channel(number, self.parts)
        count = area if self.is_by_channel else elements
        return WRITERS[step.operation](
            Call(
                number,
                step,
                self.parts,
                tuple(self._pointer(source, whole=is_whole) for source in step.inputs),
                tuple(count(shape) for shape in shapes),
                self._pointer(number, whole=False),
                count(self.parts.shapes[number]),
                self.layers[step.layer or ""] if is_layer else None,
            )
        )

    def _pointer(self, result: int, *, whole: bool) -> str:
        if result in self.plan.planes and self.stage.first <= result:
            return _text(self.plan.planes[result])
        # Inside a stage, the last map is there from the first step on that has no plane.
        is_inside = self.stage.first <= result <= self.stage.last
        place = self.plan.maps[self.stage.last if is_inside else result]
        shape = self.parts.shapes[result]
        if whole or not self.is_by_channel or channels(shape) == 1:
            return _text(place)
        stride = area(shape)
        return f"{_text(place)} + {f'{stride} * ' if stride > 1 else ''}c"


def _text(place: Place) -> str:
    return f"{place.base} + {place.offset}" if place.offset else place.base
