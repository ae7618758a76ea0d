/* Gradients of weights: the sums of up to TOGETHER weights of one filter stay in registers while its places pass by. */
#include "pack.h"

enum { TOGETHER = 8 };

/* The map that a weight meets, as seen from the place of a result. */
struct view {
    const float *tile;
    int64_t row, column;
};

/* Adds to `count` values; it is a constant where this is inlined. */
INLINE void correlate_few(const struct view *view, const float *plane, int64_t height, int64_t width,
                          const int64_t *offsets, float *values, int count)
{
    vec sums[TOGETHER];
    UNROLL
    for (int k = 0; k < count; k++) sums[k] = splat(0.0f);
    for (int64_t y = 0; y < height; y++) {
        const float *from[TOGETHER];
        UNROLL
        for (int k = 0; k < count; k++) from[k] = view->tile + y * view->row + offsets[k];
        for (int64_t x = 0, at = 0; x < width; x++, at += view->column, plane += GROUP)
            UNROLL
            for (int v = 0; v < VECTORS; v++) {
                vec gradient = load(plane + v * LANES);
                UNROLL
                for (int k = 0; k < count; k++) sums[k] += gradient * load(from[k] + at + v * LANES);
            }
    }
    UNROLL
    for (int k = 0; k < count; k++) values[k] += total(sums[k]);
}

#define FEW(name, count)                                                                                        \
    static void name(const struct view *view, const float *plane, int64_t height, int64_t width,               \
                     const int64_t *offsets, float *values)                                                     \
    {                                                                                                           \
        correlate_few(view, plane, height, width, offsets, values, count);                                      \
    }

FEW(correlate_1, 1)
FEW(correlate_2, 2)
FEW(correlate_3, 3)
FEW(correlate_4, 4)
FEW(correlate_5, 5)
FEW(correlate_6, 6)
FEW(correlate_7, 7)
FEW(correlate_8, 8)

typedef void few_function(const struct view *, const float *, int64_t, int64_t, const int64_t *, float *);
static few_function *const few_functions[] = {correlate_1, correlate_2, correlate_3, correlate_4,
                                              correlate_5, correlate_6, correlate_7, correlate_8};

static float plane_total(const float *plane, int64_t places)
{
    vec sums[VECTORS] = {{0}};
    for (int64_t x = 0; x < places; x++)
        UNROLL
        for (int v = 0; v < VECTORS; v++) sums[v] += load(plane + x * GROUP + v * LANES);
    float sum = 0.0f;
    for (int v = 0; v < VECTORS; v++) sum += total(sums[v]);
    return sum;
}

void VARIANT(correlate)(const struct maps *in, const struct frame *frame, const struct kept *kept, int64_t row,
                        int64_t column, const struct maps *gradient, float *channel_sums, float *tile, float *plane)
{
    memset(channel_sums, 0, kept->channels * sizeof(float));
    memset(kept->values, 0, kept->starts[kept->channels] * sizeof(float));
    int64_t height = gradient->height, width = gradient->width;
    for (int64_t first = 0; first < in->images; first += GROUP) {
        struct view view = {packed(in, frame, first, tile), row, column};
        for (int64_t c = 0; c < kept->channels; c++) {
            pack_channel(gradient, first, c, plane, width);
            channel_sums[c] += plane_total(plane, height * width);
            for (int64_t k = kept->starts[c], end = kept->starts[c + 1]; k < end; k += TOGETHER)
                few_functions[at_most(end - k, TOGETHER) - 1](&view, plane, height, width, kept->offsets + k,
                                                              kept->values + k);
        }
    }
}
