/* Maps: halos between segments, the input into its map, adding and ReLU on their own, the mean of a map. */
#include "step.h"
#include "segments.h"

/* `left` and `right` are constants where this is inlined, so that memcpy is a load and a store. */
INLINE void copy_halos(const struct step *step, float *pixels, int left, int right)
{
    for (int g = 0; g + 1 < step->halo_segments; g++) {
        float *here = pixels + g * step->out.segment, *next = here + step->out.segment;
        for (int y = 0; y < step->height; y++, here += step->out.line, next += step->out.line) {
            memcpy(here + SEGMENT, next, right * sizeof(float));
            memcpy(next - left, here + SEGMENT - left, left * sizeof(float));
        }
    }
}

/* Fills the doubled columns of the output. */
static void spread_halos(const struct step *step, float *out)
{
    if (step->halo_segments < 2) return;
    int left = step->halo_left, right = step->halo_right;
    for (int c = 0; c < step->channels; c++) {
        float *pixels = out + c * step->out.channel;
        if (left == 1 && right == 1) copy_halos(step, pixels, 1, 1);
        else if (left == 2 && right == 2) copy_halos(step, pixels, 2, 2);
        else copy_halos(step, pixels, left, right);
    }
}

/* Columns [from, to) of the line whose column 0 is at source[0]; pixels are `distance` floats apart. */
INLINE void load_line(float *line, const float *source, int from, int to, long distance)
{
    if (distance == 1 && from == 0 && to == 16) {
        memcpy(line, source, 64);
    } else if (distance == 1) {
        for (; from + SEGMENT <= to; from += SEGMENT) memcpy(line + from, source + from, 32);
        copy_few(line + from, source + from, to - from);
    } else if (distance == 2) {
        for (; from + LANES < to; from += LANES)
            store(line + from, evens(load(source + 2 * from), load(source + 2 * from + LANES)));
        for (; from < to; from++) line[from] = source[2 * from];
    } else {
        for (int i = from; i < to; i++) line[i] = source[i * distance];
    }
}

/* Which floats of a line hold pixels: those of segment g, column phase p. `x` is the pixel its column 0 would hold. */
struct span {
    long x;
    int from, to;
};

INLINE struct span span_of(const struct step *step, int g, int p)
{
    int stride = step->column_stride;
    struct span span = {.x = (long)SEGMENT * g * stride + p - step->left};
    long to = span.x >= step->width ? 0 : (step->width - span.x + stride - 1) / stride;
    span.from = span.x < 0 ? (int)((-span.x + stride - 1) / stride) : 0;
    span.to = to < step->columns ? (int)to : step->columns;
    return span;
}

/* All rows of one channel, one segment, one column phase; source rows are `pitch` floats apart. */
INLINE void load_rows(const struct step *step, const float *source, long pitch, float *lines, struct span span,
                      long distance)
{
    long phase_map = step->segments * (long)step->rows * step->out.line;
    int row = step->top / step->row_stride, phase = step->top % step->row_stride;
    for (int y = 0; y < step->height && row < step->rows; y++, source += pitch) {
        float *line = lines + phase * step->column_stride * phase_map + row * step->out.line;
        load_line(line, source, span.from, span.to, distance);
        if (++phase == step->row_stride) phase = 0, row++;
    }
}

/* Copies a plain map, whose channels, rows and pixels are so many floats apart, into the segments and phases that a
 * convolution reads. */
static void load_map(const struct step *step, const float *source, long channel, long pitch, long column, float *out)
{
    long phase_map = step->segments * (long)step->rows * step->out.line;
    long distance = column * step->column_stride;
    for (int c = 0; c < step->channels; c++)
        for (int p = 0; p < step->column_stride; p++)
            for (int g = 0; g < step->segments; g++) {
                struct span span = span_of(step, g, p);
                if (span.from >= span.to) continue;
                const float *from = source + c * channel + span.x * column;
                float *to = out + c * step->out.channel + p * phase_map + g * step->out.segment;
                if (distance == 1) load_rows(step, from, pitch, to, span, 1);
                else if (distance == 2) load_rows(step, from, pitch, to, span, 2);
                else load_rows(step, from, pitch, to, span, distance);
            }
}

static void load_tensor(const struct step *step, const struct tensor *tensor, long image, float *out)
{
    load_map(step, tensor->data + image * tensor->image, tensor->channel, tensor->line, tensor->column, out);
}

INLINE const float *pixels_at(const float *scratch, const struct view *view, long channel, long segment, long row)
{
    return scratch + view->offset + channel * view->channel + segment * view->segment + row * view->line;
}

/* out = in + other, either alone, with or without ReLU. */
static void pointwise(const struct step *step, const float *scratch, float *out)
{
    for (int c = 0; c < step->channels; c++) {
        int added = c - step->other_first, adds = added >= 0 && added < step->other_channels;
        for (int y = 0; y < step->height; y++)
            for (int x = 0; x < step->width; x += SEGMENT) {
                long g = x / SEGMENT, columns = step->width - x < SEGMENT ? step->width - x : SEGMENT;
                const float *in = pixels_at(scratch, &step->in, c, g, y);
                const float *other = pixels_at(scratch, &step->other, added, g, y);
                float *to = out + c * step->out.channel + g * step->out.segment + y * step->out.line;
                for (int i = 0; i < columns; i++) {
                    float value = in[i] + (adds ? other[i] : 0.0f);
                    to[i] = step->relu && value < 0.0f ? 0.0f : value;
                }
            }
    }
}

/* The mean of each channel of a plain map; columns beyond the width hold zeros up to a multiple of 8. */
static void mean(const struct step *step, const float *map, float *out)
{
    for (int c = 0; c < step->channels; c++) {
        float sums[SEGMENT] = {0};
        const float *in = map + c * step->in.channel;
        for (int y = 0; y < step->height; y++, in += step->in.line)
            for (int x = 0; x < step->width; x += SEGMENT)
                for (int i = 0; i < SEGMENT; i++) sums[i] += in[x + i];
        float sum = 0;
        for (int i = 0; i < SEGMENT; i++) sum += sums[i];
        out[c] = sum / (step->height * step->width);
    }
}
