/* What the runtime executes: a list of steps, filled by the planner (planner.py), one struct for every kind.
 *
 * Maps of one image lie in `scratch`. A map that a convolution reads is cut into segments of 8 columns. A row of a
 * segment is one line of 16 floats, 64 bytes on a 64-byte boundary: the 8 columns and their neighbours to the right
 * that a kernel up to 9 wide reaches. So no load of 8 floats ever crosses a cache line; neighbours are stored twice (the
 * halo). A convolution with stride s reads s*s phase maps, each with every s-th row and column, laid out alike.
 * All other maps are plain: rows one behind the other, a segment begins 8 floats behind the last one.
 * Borders (padding) are written once, by `prepare`, and never touched again. structures.py mirrors these structs. */
#ifndef STEP_H
#define STEP_H

#include <stdint.h>

enum kind { LOAD, CONV, POOL, POINTWISE, MEAN, LINEAR, STORE, INTERLEAVE, LINEAR_GROUP, STORE_GROUP };

enum { SEGMENT = 8, GROUP = 8 }; /* columns a segment; images a group */

/* A weight and the distance in bytes from the first input it meets to the input it multiplies. */
struct nonzero {
    int32_t offset;
    float value;
};

/* Pixels 8g .. 8g+7 of row y of channel c begin `offset + c*channel + g*segment + y*line` floats into the scratch.
 * Image i of a group adds i*image. */
struct view {
    int64_t offset, channel, segment, line, image;
};

/* A batch of images, features or results outside of the scratch; distances in floats. What STORE writes is dense. */
struct tensor {
    float *data;
    int64_t image, channel, line, column;
};

struct step {
    int32_t kind;
    int32_t relu;                    /* 1: negative results become 0 */
    int32_t channels, height, width; /* of the output; LINEAR: channels = outputs; INTERLEAVE: channels = features */
    int32_t tensor;                  /* LOAD: which tensor to read, -1 for the scratch; STORE: which one to write */
    struct view in, other, out;      /* other: what is added (CONV, POINTWISE) */
    int32_t other_first, other_channels; /* output channels [first, first+channels) have something to add; 0: none */
    int32_t halo_segments, halo_left, halo_right; /* copies between segments of `out` behind the step; 0: none */
    int32_t parts;                   /* CONV: parts of the input channels; starts has channels + 1 entries for each */
    const struct nonzero *nonzeros;  /* CONV, LINEAR, LINEAR_GROUP: those of output c are starts[c] .. starts[c+1]-1 */
    const int32_t *starts;
    const float *bias;
    const float *row_scale, *column_scale; /* POOL, is_max 0: what sums are multiplied with, by row and by column */
    int32_t kernel_height, kernel_width, stride_height, stride_width; /* POOL */
    int32_t is_max;                        /* POOL: 1 maximum, 0 weighted sum */
    int32_t top, left, rows, segments;     /* LOAD: border before the first pixel; rows and segments of a phase map */
    int32_t row_stride, column_stride;     /* LOAD: of the convolution that reads `out` */
    int32_t columns;                       /* LOAD: floats of a line that can hold pixels */
};

/* A part of the scratch and the value that `prepare` writes to it. */
struct fill {
    int64_t offset, length;
    float value;
    int32_t reserved;
};

void prepare(const struct fill *fills, int count, float *scratch);

/* Runs the steps for `images` images; a list with group steps keeps GROUP images in flight.
 * The scratch must be prepared and on a 64-byte boundary. */
void run(const struct step *steps, int count, const struct tensor *tensors, long images, float *scratch);

#endif
