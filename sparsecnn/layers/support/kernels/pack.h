/* Packing GROUP images into a tile, or one of their channels into a plane. */
#ifndef PACK_H
#define PACK_H

#include "tiles.h"

INLINE int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

/* One place of the images from the one at `from` on, `images` of them; zeros for those that are missing. */
INLINE void pack_place(float *to, const float *from, int64_t distance, int64_t images)
{
    if (distance == 1 && images == GROUP) {
        memcpy(to, from, GROUP * sizeof(float));
    } else if (images == GROUP) {
        UNROLL
        for (int i = 0; i < GROUP; i++) to[i] = from[i * distance];
    } else {
        for (int i = 0; i < GROUP; i++) to[i] = i < images ? from[i * distance] : 0.0f;
    }
}

/* One channel from image `first` on; rows of `to` are `pitch` places apart. */
static void pack_channel(const struct maps *in, int64_t first, int64_t channel, float *to, int64_t pitch)
{
    int64_t images = at_most(in->images - first, GROUP);
    const float *from = in->data + first * in->image + channel * in->channel;
    for (int64_t y = 0; y < in->height; y++, from += in->row, to += pitch * GROUP)
        for (int64_t x = 0; x < in->width; x++) pack_place(to + x * GROUP, from + x * in->column, in->image, images);
}

/* The tile of the images from `first` on: `tile`, filled, or the maps themselves where they lie like that. */
static const float *packed(const struct maps *in, const struct frame *frame, int64_t first, float *tile)
{
    int has_border = frame->height != in->height || frame->width != in->width;
    if (!has_border && in->images == GROUP && in->image == 1 && in->column == GROUP &&
        in->row == in->width * GROUP && in->channel == in->height * in->row)
        return in->data;
    for (int64_t c = 0; c < in->channels; c++) {
        float *to = tile + ((c * frame->height + frame->top) * frame->width + frame->left) * GROUP;
        pack_channel(in, first, c, to, frame->width);
    }
    return tile;
}

#endif
