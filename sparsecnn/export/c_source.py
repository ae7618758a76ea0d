"""A packed network as one C99 source and its header: weights packed in flash, no heap, no library but math.h."""

from collections.abc import Iterable
from dataclasses import dataclass

from sparsecnn.export import c_elementwise, c_moves, c_positions, c_values, c_windows
from sparsecnn.export.c_layer import stored_layer
from sparsecnn.export.c_operations import Code
from sparsecnn.export.c_stage import stage_code
from sparsecnn.export.c_text import Constant, checked_name, comment, part_of_name
from sparsecnn.export.parts import Parts, parts_of
from sparsecnn.export.scratch import plan_of
from sparsecnn.export.stages import elements, stages_of
from sparsecnn.storage import PackedNetwork

FLOAT_BYTES = 4
# In an order in which each stands before those that use it.
HELPERS = {
    **c_values.HELPERS,
    **c_positions.HELPERS,
    **c_windows.HELPERS,
    **c_elementwise.HELPERS,
    **c_moves.HELPERS,
}


@dataclass(frozen=True)
class CExport:
    """Two texts, and what they take: constants in flash beside the code, and static memory."""

    source: str
    header: str
    rodata_bytes: int
    scratch_bytes: int


def export_c(network: PackedNetwork, name: str) -> CExport:
    """`network` in C; the files are to be called `name`.c and `name`.h.

    Raises ConfigError, which names the step, for what cannot be exported, and for a `name` that C cannot use.
    """
    prefix = checked_name(name)
    parts = parts_of(network)
    stages = stages_of(parts)
    plan = plan_of(stages, parts)
    layers = {
        layer: stored_layer(f"w{at}_{part_of_name(layer)}", stored)
        for at, (layer, stored) in enumerate(parts.layers.items(), start=1)
    }
    codes = [stage_code(stage, parts, plan, layers) for stage in stages]
    constants = [constant for layer in layers.values() if layer for constant in layer.constants]
    constants += [constant for code in codes for constant in code.constants]
    sizes = _Sizes(
        elements(parts.shapes[0]),
        elements(parts.shapes[-1]),
        sum(constant.bytes for constant in constants),
        FLOAT_BYTES * plan.floats,
    )
    source = "\n".join([*_head(prefix, plan.floats), *_types_and_data(constants, codes), *_functions(prefix, codes)])
    header = _header(prefix, parts, sizes, _pixels(network.notes.get("pixels")))
    return CExport(source, header, sizes.constants, sizes.scratch)


@dataclass(frozen=True)
class _Sizes:
    """Numbers of floats of input and scores, bytes of constants and scratch."""

    image: int
    scores: int
    constants: int
    scratch: int


def _pixels(note: str | None) -> str:
    """How a pixel becomes an input, one number a channel or one for all."""
    if note is None:
        return comment("What the pixels go through before them was not stored.")
    offsets, _, scales = note.partition(" ")
    return comment(f"An input is pixel in 0..255 minus offset, times scale. Offsets: {offsets}. Scales: {scales}.")


def _header(name: str, parts: Parts, sizes: _Sizes, pixels: str) -> str:
    upper = name.upper()
    shape = " x ".join(map(str, parts.image_shape))
    return f"""\
/* Written by sparsecnn: a network as C. The memory it works in is static, so calls must not overlap: neither from
   threads nor from interrupts. Nothing is kept from one call to the next. */
#ifndef {upper}_H
#define {upper}_H

#define {upper}_INPUT_SIZE {sizes.image} /* floats: {shape}, channel by channel, row by row */
#define {upper}_CLASSES {sizes.scores}
#define {upper}_SCRATCH_BYTES {sizes.scratch} /* static memory */
#define {upper}_WEIGHT_BYTES {sizes.constants} /* constants: weights, biases, sizes of windows */

#ifdef __cplusplus
extern "C" {{
#endif

{pixels}

/* Writes the scores of the classes; `image` and `scores` must not overlap. */
void {name}_run(const float *image, float *scores);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _head(name: str, scratch: int) -> list[str]:
    lines = [f"{comment(f'Written by sparsecnn. See {name}.h.')}", f'#include "{name}.h"', ""]
    lines += ["#include <math.h>", "#include <stdint.h>", ""]
    return [*lines, f"static float scratch[{scratch}];", ""] if scratch else lines


def _types_and_data(constants: list[Constant], codes: Iterable[Code]) -> Iterable[str]:
    if any(code.helpers & c_positions.HELPERS.keys() for code in codes):
        yield c_positions.WALK_TYPE
    if any(constant.kind == "window" for constant in constants):
        yield c_windows.WINDOW_TYPE
    yield from (constant.text for constant in constants)


def _functions(name: str, codes: list[Code]) -> Iterable[str]:
    used = frozenset[str]().union(*(code.helpers for code in codes))
    yield from (text for helper, text in HELPERS.items() if helper in used)
    lines = [line for code in codes for line in code.lines]
    if not any("image" in line for line in lines if not line.startswith("/*")):
        lines.insert(0, "(void)image; /* no layer has a weight */")
    yield f"void {name}_run(const float *image, float *scores)\n{{"
    yield from (f"    {line}" for line in lines)
    yield "}\n"
