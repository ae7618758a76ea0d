/* The entry points: choose the variant for the processor they run on. */
#include "support.h"

#include "choice.h"

/* visible for tests: one variant, whatever the processor */
#define DECLARE(variant)                                                                                          \
    void gather_##variant(const struct maps *, const struct frame *, const struct gather *, int64_t,              \
                          const float *, const struct maps *, float *, float *);                                  \
    void correlate_##variant(const struct maps *, const struct frame *, const struct kept *, int64_t, int64_t,    \
                             const struct maps *, float *, float *, float *);

DECLARE(base)
DECLARE(avx2)

void gather(const struct maps *in, const struct frame *frame, const struct gather *gathers, int64_t count,
            const float *bias, const struct maps *out, float *tile, float *sums)
{
    CHOSEN(gather)(in, frame, gathers, count, bias, out, tile, sums);
}

void correlate(const struct maps *in, const struct frame *frame, const struct kept *kept, int64_t row, int64_t column,
               const struct maps *gradient, float *channel_sums, float *tile, float *plane)
{
    CHOSEN(correlate)(in, frame, kept, row, column, gradient, channel_sums, tile, plane);
}
