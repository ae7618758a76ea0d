/* Cuts of images that lie in memory as rows of pixels, mirrored or not; outside an image there are zeros. */
#include <stdint.h>
#include <string.h>

/* `count` pixels of `size` bytes in the opposite order. */
static inline void turn(uint8_t *restrict row, const uint8_t *restrict source, int64_t count, int64_t size)
{
    for (int64_t pixel = 0; pixel < count; pixel++) memcpy(row + pixel * size, source + (count - 1 - pixel) * size, size);
}

/* The same; where the compiler knows the size, a pixel is a move or two. */
static void mirror(uint8_t *restrict row, const uint8_t *restrict source, int64_t count, int64_t size)
{
    switch (size) {
    case 1: turn(row, source, count, 1); break;
    case 3: turn(row, source, count, 3); break;
    default: turn(row, source, count, size);
    }
}

/* Of each of `count` images [height, width, size] the cut of that shape that begins at (tops, lefts) of a copy with a
 * border of `pad` zeros, 0 <= tops, lefts <= 2 pad. */
void cut(const uint8_t *restrict images, int64_t count, int64_t height, int64_t width, int64_t size, int64_t pad,
         const uint8_t *restrict mirrored, const int64_t *restrict tops, const int64_t *restrict lefts,
         uint8_t *restrict cuts)
{
    int64_t length = width * size;
    uint8_t source[length];
    for (int64_t image = 0; image < count; image++, images += height * length) {
        int64_t down = tops[image] - pad, right = lefts[image] - pad;
        int64_t before = right < 0 ? -right : 0, behind = right > 0 ? right : 0;
        if (before + behind > width) before = width, behind = 0; /* nothing of the image is in sight */
        for (int64_t row = 0; row < height; row++, cuts += length) {
            int64_t from = row + down;
            if (from < 0 || from >= height) {
                memset(cuts, 0, length);
                continue;
            }
            uint8_t *written = mirrored[image] ? source : cuts;
            memset(written, 0, before * size);
            memcpy(written + before * size, images + from * length + behind * size, (width - before - behind) * size);
            memset(written + (width - behind) * size, 0, behind * size);
            if (mirrored[image]) mirror(cuts, source, width, size);
        }
    }
}
