/* The entry point: chooses the variant for the processor that it runs on. */
#include <stdint.h>

#include "choice.h"

typedef void passes_function(const uint64_t *, int64_t, int64_t, const uint64_t *, int64_t, int64_t, int64_t, int64_t *);
passes_function passes_base, passes_avx2, passes_avx512;

static passes_function *chosen(void)
{
#if defined(__x86_64__)
    if (has_avx2() && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq"))
        return passes_avx512;
#endif
    return CHOSEN(passes);
}

void passes(const uint64_t *images, int64_t planes, int64_t places, const uint64_t *weights, int64_t weight_planes,
            int64_t outputs, int64_t words, int64_t *sums)
{
    chosen()(images, planes, places, weights, weight_planes, outputs, words, sums);
}
