"""Functions in C that compute each element of a map from the same element of one or two others, in place if need be."""

# What becomes of x, and the further arguments.
UNARY_EXPRESSIONS = {
    "relu": ("x < 0.0f ? 0.0f : x", ()),
    "clamp": ("x < low ? low : x > high ? high : x", ("low", "high")),
    "leaky_relu": ("x > 0.0f ? x : x * slope", ("slope",)),
    "sigmoid": ("1.0f / (1.0f + expf(-x))", ()),
    "tanh": ("tanhf(x)", ()),
    "silu": ("x / (1.0f + expf(-x))", ()),
    "gelu": ("0.5f * x * (1.0f + erff(x * 0.70710678f))", ()),
    "hardswish": ("x < -3.0f ? 0.0f : x > 3.0f ? x : x * (x + 3.0f) / 6.0f", ()),
    "hardsigmoid": ("x < -3.0f ? 0.0f : x > 3.0f ? 1.0f : (x + 3.0f) / 6.0f", ()),
    "round": ("rintf(x)", ()),
    "square": ("x * x", ()),
    "power": ("powf(x, exponent)", ("exponent",)),
    "affine": ("x * factor + offset", ("factor", "offset")),
}
BINARY_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def _unary(operation: str) -> str:
    expression, arguments = UNARY_EXPRESSIONS[operation]
    further = "".join(f", float {name}" for name in arguments)
    return f"""\
static void {operation}_map(const float *in, float *out, int32_t count{further})
{{
    for (int32_t i = 0; i < count; ++i) {{
        const float x = in[i];
        out[i] = {expression};
    }}
}}
"""


def _binary(operation: str) -> str:
    return f"""\
/* A step of 0 takes the same number for all elements. */
static void {operation}_maps(const float *a, int32_t a_step, const float *b, int32_t b_step, float *out, int32_t count)
{{
    for (int32_t i = 0; i < count; ++i) {{
        out[i] = a[i * a_step] {BINARY_SIGNS[operation]} b[i * b_step];
    }}
}}
"""


HELPERS = {f"{operation}_map": _unary(operation) for operation in UNARY_EXPRESSIONS} | {
    f"{operation}_maps": _binary(operation) for operation in BINARY_SIGNS
}
