/* Convolutions whose few weights are known: forward, towards the input and towards the weights.
 *
 * Images are taken GROUP at a time and packed into a tile [channels][height][width][GROUP], with zeros where the
 * convolution reads beyond the border. So neighbouring images fill a vector, whatever the size of a map, and a weight
 * is one multiplication of such vectors at every place. structures.py mirrors these structs. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdint.h>

enum { GROUP = 16 }; /* images; 64 bytes, a cache line */

/* A batch of maps, wherever it lies; distances in floats. */
struct maps {
    float *data;
    int64_t images, channels, height, width;
    int64_t image, channel, row, column;
};

/* A tile: where the maps begin in it, and its size. */
struct frame {
    int64_t top, left, height, width;
};

/* The weights that are kept, by the channel they are summed into; the input channels in `parts` of them, a part after
 * the other, so that what a part reads stays in the L1 cache. Those of channel c in part p are
 * starts[p*channels + c] .. starts[p*channels + c + 1] - 1. An offset is the distance in the tile, in floats, from the
 * place of a result to what the weight multiplies. */
struct kept {
    int64_t channels, parts;
    const int64_t *starts, *offsets;
    float *values;
};

/* result(channel, y, x) = bias(channel) + sum of value * tile[offset + y*row + x*column], for y < rows, x < columns.
 * It lies at (first_row + y*row_step, first_column + x*column_step) of the output. */
struct gather {
    struct kept kept;
    int64_t rows, columns, row, column;
    int64_t first_row, first_column, row_step, column_step;
};

/* Does the gathers one after the other for each tile of `in`; `bias` may be null. In `out` the images are neighbours.
 * `tile` begins as zeros; `sums` holds channels * 4 * GROUP floats. */
void gather(const struct maps *in, const struct frame *frame, const struct gather *gathers, int64_t count,
            const float *bias, const struct maps *out, float *tile, float *sums);

/* value = sum over images and places of gradient(channel, y, x) * tile[offset + y*row + x*column], for all kept, in one
 * part; and the sum of each channel of `gradient`. `plane` holds height * width * GROUP floats of it. */
void correlate(const struct maps *in, const struct frame *frame, const struct kept *kept, int64_t row, int64_t column,
               const struct maps *gradient, float *channel_sums, float *tile, float *plane);

#endif
