"""Functions in C that need several channels at once: they move maps, or look at neighbouring channels."""

HELPERS = {
    "copy": """\
static void copy(const float *in, float *out, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        out[i] = in[i];
    }
}
""",
    "slice_map": """\
/* Of each block of `size` rows of `inner` elements, `count` rows that are `stride` apart. */
static void slice_map(const float *in, float *out, int32_t outer, int32_t size, int32_t inner, int32_t start,
                      int32_t stride, int32_t count)
{
    for (int32_t block = 0; block < outer; ++block) {
        for (int32_t i = 0; i < count; ++i) {
            const float *row = in + (block * size + start + i * stride) * inner;
            for (int32_t x = 0; x < inner; ++x) {
                *out++ = row[x];
            }
        }
    }
}
""",
    "pad_map": """\
/* `sides` are the three sides of the input, those of the result, and what is put before the input on each. */
static void pad_map(const float *in, float *out, const int32_t *sides)
{
    for (int32_t c = -sides[6]; c < sides[3] - sides[6]; ++c) {
        for (int32_t y = -sides[7]; y < sides[4] - sides[7]; ++y) {
            for (int32_t x = -sides[8]; x < sides[5] - sides[8]; ++x) {
                const int is_inside = c >= 0 && c < sides[0] && y >= 0 && y < sides[1] && x >= 0 && x < sides[2];
                *out++ = is_inside ? in[(c * sides[1] + y) * sides[2] + x] : 0.0f;
            }
        }
    }
}
""",
    "local_response_norm": """\
static void local_response_norm(const float *in, float *out, int32_t channels, int32_t area, int32_t size, float alpha,
                                float beta, float k)
{
    for (int32_t c = 0; c < channels; ++c) {
        const int32_t first = larger(c - size / 2, 0), end = smaller(c + (size - 1) / 2 + 1, channels);
        for (int32_t i = 0; i < area; ++i) {
            float sum = 0.0f;
            for (int32_t other = first; other < end; ++other) {
                sum += in[other * area + i] * in[other * area + i];
            }
            out[c * area + i] = in[c * area + i] / powf(k + alpha * sum / (float)size, beta);
        }
    }
}
""",
}
