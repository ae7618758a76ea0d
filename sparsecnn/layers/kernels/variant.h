/* AND and popcount of bit planes: images [planes][places][words], weights [weight_planes][words][outputs]. */
#include <stdint.h>

#ifndef WIDTHS
#define WIDTHS
/* Outputs whose counts stay in registers. */
enum { WIDE = 32, NARROW = 8 };
#endif

/* The sums of one place and `width` outputs; `image` and `weights` are those of the lowest planes. */
static inline __attribute__((always_inline)) void
VARIANT(sums)(const uint64_t *image, int64_t planes, int64_t plane_words, const uint64_t *weights,
              int64_t weight_planes, int64_t outputs, int64_t words, int64_t width, int64_t *sums)
{
    int64_t totals[WIDE] = {0};
    for (int64_t m = 0; m < planes; m++)
        for (int64_t n = 0; n < weight_planes; n++) {
            const uint64_t *a = image + m * plane_words, *w = weights + n * words * outputs;
            int64_t counts[WIDE] = {0};
            for (int64_t i = 0; i < words; i++)
                for (int64_t k = 0; k < width; k++) counts[k] += __builtin_popcountll(a[i] & w[i * outputs + k]);
            for (int64_t k = 0; k < width; k++) totals[k] += counts[k] << (m + n);
        }
    for (int64_t k = 0; k < width; k++) sums[k] = totals[k];
}

/* sums[place][output] = sum over planes m and n of 2^(m + n) popcount(images[m][place] & weights[n][.][output]) */
void VARIANT(passes)(const uint64_t *images, int64_t planes, int64_t places, const uint64_t *weights,
                     int64_t weight_planes, int64_t outputs, int64_t words, int64_t *sums)
{
#define SUMS(width)                                                                                                 \
    for (; first + (width) <= outputs; first += (width))                                                            \
    VARIANT(sums)(image, planes, places *words, weights + first, weight_planes, outputs, words, width, row + first)
    for (int64_t place = 0; place < places; place++) {
        const uint64_t *image = images + place * words;
        int64_t *row = sums + place * outputs, first = 0;
        SUMS(WIDE);
        SUMS(NARROW);
        SUMS(1);
    }
#undef SUMS
}
