/* Sparse inner products: of one image's features, or of GROUP images at once, one image a lane; and storing results. */
#include "step.h"
#include "segments.h"

static void linear(const struct step *step, const float *in, float *out)
{
    for (int o = 0; o < step->channels; o++) {
        const struct nonzero *n = step->nonzeros + step->starts[o], *end = step->nonzeros + step->starts[o + 1];
        float sums[4] = {step->bias[o]};
        for (; n + 4 <= end; n += 4)
            for (int k = 0; k < 4; k++) sums[k] += n[k].value * *(const float *)((const char *)in + n[k].offset);
        for (; n < end; n++) sums[0] += n->value * *(const float *)((const char *)in + n->offset);
        float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        out[o] = step->relu && sum < 0.0f ? 0.0f : sum;
    }
}

/* The features of a group that nonzero `n` meets; its offset is that among one image's features. */
INLINE const float *lanes_of(const float *in, const struct nonzero *n)
{
    return (const float *)((const char *)in + (int64_t)GROUP * n->offset);
}

/* Features of the group lie [feature][GROUP]. Four sums a lane, so that the additions do not wait for each other. */
static void linear_group(const struct step *step, const float *in, float *out)
{
    for (int o = 0; o < step->channels; o++) {
        const struct nonzero *n = step->nonzeros + step->starts[o], *end = step->nonzeros + step->starts[o + 1];
        vec sums[4][PARTS] = {{{0}}};
        for (; n + 4 <= end; n += 4)
            UNROLL
            for (int k = 0; k < 4; k++)
                UNROLL
                for (int p = 0; p < PARTS; p++)
                    sums[k][p] += splat(n[k].value) * load(lanes_of(in, n + k) + p * LANES);
        for (; n < end; n++)
            UNROLL
            for (int p = 0; p < PARTS; p++)
                sums[0][p] += splat(n->value) * load(lanes_of(in, n) + p * LANES);
        UNROLL
        for (int p = 0; p < PARTS; p++) {
            vec sum = (sums[0][p] + sums[1][p]) + (sums[2][p] + sums[3][p]) + splat(step->bias[o]);
            store(out + o * GROUP + p * LANES, step->relu ? positive(sum) : sum);
        }
    }
}

/* [GROUP][features] to [features][GROUP]. */
static void interleave(const struct step *step, const float *in, float *out)
{
    int f = 0;
    for (; f + 8 <= step->channels; f += 8)
        for (int k = 0; k < 8; k++)
            for (int i = 0; i < GROUP; i++) out[(f + k) * GROUP + i] = in[i * step->in.image + f + k];
    for (; f < step->channels; f++)
        for (int i = 0; i < GROUP; i++) out[f * GROUP + i] = in[i * step->in.image + f];
}

static void store_group(const struct step *step, const float *in, const struct tensor *to, long start, long images)
{
    for (long i = 0; i < images; i++) {
        float *output = to->data + (start + i) * to->image;
        for (int o = 0; o < step->channels; o++) output[o] = in[o * GROUP + i];
    }
}

/* A map of one image, without its border, to the output. */
static void store_map(const struct step *step, const float *in, float *output)
{
    for (int c = 0; c < step->channels; c++)
        for (int y = 0; y < step->height; y++, output += step->width) {
            const float *line = in + c * step->in.channel + y * step->in.line;
            for (long g = 0, x = 0; x < step->width; g++, x += SEGMENT) {
                const float *pixels = line + g * step->in.segment;
                if (step->width - x < SEGMENT) copy_few(output + x, pixels, (int)(step->width - x));
                else memcpy(output + x, pixels, SEGMENT * sizeof(float));
            }
        }
}
