/* Pooling of plain maps whose borders hold -infinity (maximum) or 0 (average). */
#include "step.h"
#include "segments.h"

enum { LONGEST_ROW = 4096 }; /* floats of a row that a pool can read, its border included */

INLINE vec combined(vec a, vec b, int is_max) { return is_max ? larger(a, b) : a + b; }

/* Maximum or sum over the window's rows, for LANES neighbouring columns. */
INLINE vec pool_rows(const float *in, long line, int kernel, int is_max)
{
    vec best = load(in);
    for (int k = 1; k < kernel; k++) best = combined(best, load(in + k * line), is_max);
    return best;
}

/* LANES results of row y from column x on. */
INLINE void finish(const struct step *step, float *out, vec best, int y, int x, int is_max)
{
    if (!is_max) best *= splat(step->row_scale[y]) * load(step->column_scale + x);
    if (step->relu) best = positive(best);
    if (step->width - x >= LANES) store(out, best);
    else copy_few(out, (const float *)&best, step->width - x);
}

/* Windows 2 or 3 wide with stride 2, a row of results: two loads give the windows' first and second columns, the third
 * is the next window's first. */
INLINE void pool_by_two(const struct step *step, const float *in, float *out, int y, int kernel, int is_max)
{
    const int width = step->width;
    const long line = step->in.line, segment = step->out.segment;
    vec a = pool_rows(in, line, kernel, is_max), b = pool_rows(in + LANES, line, kernel, is_max);
    vec first = evens(a, b);
    for (int x = 0; x < width; x += LANES) {
        vec best = combined(first, odds(a, b), is_max);
        in += 2 * LANES;
        if (kernel == 3 || x + LANES < width) {
            a = pool_rows(in, line, kernel, is_max);
            b = pool_rows(in + LANES, line, kernel, is_max);
            vec following = evens(a, b);
            if (kernel == 3) best = combined(best, next(first, following), is_max);
            first = following;
        }
        finish(step, out + x / SEGMENT * segment + x % SEGMENT, best, y, x, is_max);
    }
}

/* Any window, a row of results. */
INLINE void pool_any(const struct step *step, const float *in, float *out, int y, int is_max)
{
    float row[LONGEST_ROW];
    int kernel = step->kernel_width, stride = step->stride_width;
    int length = ((step->width + LANES - 1) / LANES * LANES - 1) * stride + kernel;
    for (int x = 0; x < length; x += LANES)
        store(row + x, pool_rows(in + x, step->in.line, step->kernel_height, is_max));
    for (int x = 0; x < step->width; x += LANES) {
        vec best = {0};
        for (int k = 0; k < kernel; k++) {
            vec column;
            for (int i = 0; i < LANES; i++) column[i] = row[(x + i) * stride + k];
            best = k ? combined(best, column, is_max) : column;
        }
        finish(step, out + x / SEGMENT * step->out.segment + x % SEGMENT, best, y, x, is_max);
    }
}

INLINE void pool_map(const struct step *step, const float *in, float *out, int by_two, int is_max)
{
    for (int y = 0; y < step->height; y++, in += step->stride_height * step->in.line, out += step->out.line) {
        if (by_two) pool_by_two(step, in, out, y, by_two, is_max);
        else pool_any(step, in, out, y, is_max);
    }
}

static void pool(const struct step *step, const float *in, float *out)
{
    int kernel = step->kernel_height;
    int by_two = kernel == step->kernel_width && step->stride_width == 2 && kernel <= 3 ? kernel : 0;
    for (int c = 0; c < step->channels; c++, in += step->in.channel, out += step->out.channel) {
        if (by_two == 3 && step->is_max) pool_map(step, in, out, 3, 1);
        else if (by_two == 3) pool_map(step, in, out, 3, 0);
        else if (by_two == 2 && step->is_max) pool_map(step, in, out, 2, 1);
        else if (step->is_max) pool_map(step, in, out, 0, 1);
        else pool_map(step, in, out, 0, 0);
    }
}
