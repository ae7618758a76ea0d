/* AND and popcount of bit planes: images [planes][places][words], weights [weight_planes][outputs][words]. */
#include <stdint.h>

/* sums[place][output] = sum over planes m and n of 2^(m + n) popcount(images[m][place] & weights[n][output]) */
void VARIANT(passes)(const uint64_t *images, int64_t planes, int64_t places, const uint64_t *weights,
                     int64_t weight_planes, int64_t outputs, int64_t words, int64_t *sums)
{
    for (int64_t place = 0; place < places; place++)
        for (int64_t output = 0; output < outputs; output++) {
            int64_t sum = 0;
            for (int64_t m = 0; m < planes; m++)
                for (int64_t n = 0; n < weight_planes; n++) {
                    const uint64_t *a = images + (m * places + place) * words;
                    const uint64_t *w = weights + (n * outputs + output) * words;
                    int64_t count = 0;
                    for (int64_t i = 0; i < words; i++) count += __builtin_popcountll(a[i] & w[i]);
                    sum += count << (m + n);
                }
            sums[place * outputs + output] = sum;
        }
}
