"""Values of a layer in flash, as its type stores them, and the expression in C that reads one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsecnn.export.c_text import Constant, floats, integers
from sparsecnn.export.parts import Layer

Floats = NDArray[np.float32]
NIBBLE_VALUES = 16
# A nibble of an integer holds it plus this.
NIBBLE_ZERO = 8
LARGEST_IN_NIBBLE = 7


@dataclass(frozen=True)
class StoredValues:
    """`read` is the value at `ENTRY`, to be multiplied by `scale`, that of row `c`, if there is one."""

    constants: tuple[Constant, ...]
    read: str
    helpers: tuple[str, ...] = ()
    scale: str = ""

    @property
    def bytes(self) -> int:
        """What they take in flash."""
        return sum(constant.bytes for constant in self.constants)


def stored_values(name: str, layer: Layer, entries: NDArray[np.intp]) -> StoredValues:
    """The values of `layer` at ascending positions, at least one; the constants begin with `name`."""
    values = layer.weight.dense().reshape(-1)[entries]
    if layer.kind == "float32":
        return StoredValues((floats(f"{name}_values", values.tolist()),), f"{name}_values[ENTRY]")
    if layer.kind in ("float16", "bfloat16"):
        bits = values.astype("<f2").view("<u2") if layer.kind == "float16" else values.view(np.uint32) >> 16
        constant = Constant(f"{name}_values", "uint16_t", [f"0x{code:04x}" for code in bits.tolist()])
        return StoredValues((constant,), f"from_{layer.kind}({name}_values[ENTRY])", (f"from_{layer.kind}",))
    if len(layer.scales):
        return _scaled(name, values, layer.scales, rows=entries // layer.columns)
    return _indexed(name, values)


def _scaled(name: str, values: Floats, scales: Floats, *, rows: NDArray[np.intp]) -> StoredValues:
    # A row without a scale has no values but zeros.
    codes = np.rint(values / np.where(scales > 0, scales, np.float32(1))[rows]).astype(np.int64)
    constants = (floats(f"{name}_scales", scales.tolist()),)
    scale = f"{name}_scales[c]"
    if int(np.abs(codes).max()) > LARGEST_IN_NIBBLE:
        stored = integers(f"{name}_values", "int8_t", codes.tolist())
        return StoredValues((stored, *constants), f"(float){name}_values[ENTRY]", scale=scale)
    stored = nibbles(f"{name}_values", codes + NIBBLE_ZERO)
    read = f"(float)(nibble({name}_values, ENTRY) - {NIBBLE_ZERO})"
    return StoredValues((stored, *constants), read, ("nibble",), scale)


def _indexed(name: str, values: Floats) -> StoredValues:
    table, codes = np.unique(values, return_inverse=True)
    entries = floats(f"{name}_table", table.tolist())
    if len(table) <= NIBBLE_VALUES:
        stored = nibbles(f"{name}_values", codes)
        return StoredValues((stored, entries), f"{name}_table[nibble({name}_values, ENTRY)]", ("nibble",))
    stored = integers(f"{name}_values", "uint8_t", codes.tolist())
    return StoredValues((stored, entries), f"{name}_table[{name}_values[ENTRY]]")


def nibbles(name: str, codes: NDArray[np.integer]) -> Constant:
    """Two codes a byte, the first in the low half; a half that is left over is zero."""
    even = np.append(codes, np.zeros(len(codes) % 2, codes.dtype)).reshape(-1, 2)
    return integers(name, "uint8_t", (even[:, 0] | even[:, 1] << 4).tolist())


HELPERS = {
    "nibble": """\
/* The half byte of that number; the even ones are the low halves. */
static int32_t nibble(const uint8_t *bytes, int32_t at)
{
    return bytes[at / 2] >> (at % 2 * 4) & 15;
}
""",
    "from_float16": """\
/* A half as a float; no weight is infinite. */
static float from_float16(uint16_t half)
{
    const uint32_t exponent = half >> 10 & 31u, fraction = half & 1023u;
    union { uint32_t bits; float value; } number;
    number.bits = (exponent + 112u) << 23 | fraction << 13;
    if (exponent == 0) {
        number.value = (float)fraction * 5.9604645e-08f; /* 2 to the power of -24 */
    }
    return half >> 15 ? -number.value : number.value;
}
""",
    "from_bfloat16": """\
/* A bfloat16, which is the upper half of a float. */
static float from_bfloat16(uint16_t half)
{
    union { uint32_t bits; float value; } number;
    number.bits = (uint32_t)half << 16;
    return number.value;
}
""",
}
