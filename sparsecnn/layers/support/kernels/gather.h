/* Results from weights: PLACES places of one channel stay in registers while its weights pass by. */
#include "pack.h"

/* Writes the sums of `places` places of which `images` images exist. */
INLINE void put(float *to, const vec sums[SUMS], int64_t distance, int64_t places, int64_t images)
{
    if (places == PLACES && images == GROUP) {
        UNROLL
        for (int p = 0; p < PLACES; p++)
            UNROLL
            for (int v = 0; v < VECTORS; v++) store(to + p * distance + v * LANES, sums[p * VECTORS + v]);
        return;
    }
    float copy[PLACES * GROUP];
    UNROLL
    for (int s = 0; s < SUMS; s++) store(copy + s * LANES, sums[s]);
    for (int p = 0; p < places; p++) memcpy(to + p * distance, copy + p * GROUP, images * sizeof(float));
}

/* All channels at PLACES places; `column` is a constant where this is inlined. */
INLINE void gather_places(const struct gather *g, const float *tile, int64_t column, const float *bias, float *out,
                          int64_t channel, int64_t distance, int64_t places, int64_t images, float *kept_sums)
{
    const struct kept *kept = &g->kept;
    for (int64_t part = 0; part < kept->parts; part++)
        for (int64_t c = 0; c < kept->channels; c++) {
            vec sums[SUMS];
            float *sums_so_far = kept_sums + c * PLACES * GROUP;
            vec begin = splat(bias ? bias[c] : 0.0f);
            UNROLL
            for (int s = 0; s < SUMS; s++) sums[s] = part ? load(sums_so_far + s * LANES) : begin;
            const int64_t *starts = kept->starts + part * kept->channels + c;
            for (int64_t k = starts[0]; k < starts[1]; k++) {
                const float *from = tile + kept->offsets[k];
                vec value = splat(kept->values[k]);
                UNROLL
                for (int p = 0; p < PLACES; p++)
                    UNROLL
                    for (int v = 0; v < VECTORS; v++)
                        sums[p * VECTORS + v] += value * load(from + p * column + v * LANES);
            }
            if (part == kept->parts - 1) {
                put(out + c * channel, sums, distance, places, images);
            } else {
                UNROLL
                for (int s = 0; s < SUMS; s++) store(sums_so_far + s * LANES, sums[s]);
            }
        }
}

static void gather_tile(const struct gather *g, const float *tile, const float *bias, const struct maps *out,
                        int64_t first, float *sums)
{
    int64_t images = at_most(out->images - first, GROUP), distance = g->column_step * out->column;
    for (int64_t y = 0; y < g->rows; y++) {
        const float *from = tile + y * g->row;
        float *to = out->data + first + (g->first_row + y * g->row_step) * out->row + g->first_column * out->column;
        for (int64_t x = 0; x < g->columns; x += PLACES, from += PLACES * g->column, to += PLACES * distance) {
            int64_t places = at_most(g->columns - x, PLACES);
            if (g->column == GROUP)
                gather_places(g, from, GROUP, bias, to, out->channel, distance, places, images, sums);
            else
                gather_places(g, from, g->column, bias, to, out->channel, distance, places, images, sums);
        }
    }
}

void VARIANT(gather)(const struct maps *in, const struct frame *frame, const struct gather *gathers, int64_t count,
                     const float *bias, const struct maps *out, float *tile, float *sums)
{
    for (int64_t first = 0; first < in->images; first += GROUP) {
        const float *from = packed(in, frame, first, tile);
        for (int64_t g = 0; g < count; g++) gather_tile(gathers + g, from, bias, out, first, sums);
    }
}
