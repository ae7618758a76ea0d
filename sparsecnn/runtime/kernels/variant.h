/* The steps in order, image by image, then the group steps at the end for GROUP images together. */

#include "convolution.h"
#include "linear.h"
#include "maps.h"
#include "pooling.h"

/* One step for image `image` of the batch, which is image `lane` of its group. */
static void run_step(const struct step *step, const struct tensor *tensors, long image, int lane, float *scratch)
{
    const float *in = scratch + step->in.offset;
    float *out = scratch + step->out.offset + lane * step->out.image;
    switch (step->kind) {
    case LOAD:
        if (step->tensor < 0) load_map(step, in, step->in.channel, step->in.line, 1, out);
        else load_tensor(step, tensors + step->tensor, image, out);
        break;
    case CONV: convolve(step, scratch, out); break;
    case POOL: pool(step, in, out); break;
    case POINTWISE: pointwise(step, scratch, out); break;
    case MEAN: mean(step, in, out); break;
    case LINEAR: linear(step, in, out); break;
    case STORE: store_map(step, in, tensors[step->tensor].data + image * tensors[step->tensor].image); break;
    }
    spread_halos(step, out);
}

static void run_group_step(const struct step *step, const struct tensor *tensors, long start, long images,
                           float *scratch)
{
    const float *in = scratch + step->in.offset;
    float *out = scratch + step->out.offset;
    switch (step->kind) {
    case INTERLEAVE: interleave(step, in, out); break;
    case LINEAR_GROUP: linear_group(step, in, out); break;
    case STORE_GROUP: store_group(step, in, tensors + step->tensor, start, images); break;
    }
}

void VARIANT(run)(const struct step *steps, int count, const struct tensor *tensors, long images, float *scratch)
{
    int single = 0; /* steps that run image by image */
    while (single < count && steps[single].kind < INTERLEAVE) single++;
    long group = single < count ? GROUP : 1;
    for (long start = 0; start < images; start += group) {
        long size = images - start < group ? images - start : group;
        for (long i = 0; i < size; i++)
            for (int s = 0; s < single; s++) run_step(steps + s, tensors, start + i, (int)i, scratch);
        for (int s = single; s < count; s++) run_group_step(steps + s, tensors, start, size, scratch);
    }
}
