/* The projection on an l0 ball by exchange, for weights whose support hardly moves.
 *
 * Magnitudes are compared as integers: the bits of a float without its sign grow with it. */
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#define MAGNITUDE 0x7fffffff

/* The least magnitude that is kept, and the greatest that is not: bounds[0], bounds[1]. */
FOR_EACH_PROCESSOR
static void find_bounds(const int32_t *restrict weights, const int8_t *restrict kept, int64_t count, int32_t *bounds)
{
    int32_t least = MAGNITUDE, greatest = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t magnitude = weights[i] & MAGNITUDE, on = -(int32_t)kept[i];
        int32_t inside = magnitude | (~on & MAGNITUDE), outside = magnitude & ~on;
        least = inside < least ? inside : least;
        greatest = outside > greatest ? outside : greatest;
    }
    bounds[0] = least;
    bounds[1] = greatest;
}

/* Sets to zero what is not kept. */
FOR_EACH_PROCESSOR
void keep(int32_t *restrict weights, const int8_t *restrict kept, int64_t count)
{
    for (int64_t i = 0; i < count; i++) weights[i] &= -(int32_t)kept[i];
}

/* Does so if nothing of it is as large as what is kept; whether it did. */
int stay(int32_t *restrict weights, const int8_t *restrict kept, int64_t count, int32_t *restrict bounds)
{
    find_bounds(weights, kept, count, bounds);
    if (bounds[0] <= bounds[1] && bounds[1] > 0) return 0;
    keep(weights, kept, count);
    return 1;
}

enum { BLOCK = 512 };

/* How many of a block's magnitudes lie in [least, greatest]. */
static inline int32_t count_between(const int32_t *weights, int64_t count, uint32_t least, uint32_t span)
{
    int32_t found = 0;
    for (int64_t i = 0; i < count; i++) found += ((uint32_t)(weights[i] & MAGNITUDE) - least) <= span;
    return found;
}

/* The places of magnitudes in [least, greatest], as many as there is room for; returns how many there are. */
FOR_EACH_PROCESSOR
int64_t between(const int32_t *weights, int64_t count, int32_t least, int32_t greatest, int64_t room, int64_t *places)
{
    int64_t found = 0;
    uint32_t span = (uint32_t)greatest - (uint32_t)least;
    for (int64_t start = 0; start < count; start += BLOCK) {
        int64_t size = count - start < BLOCK ? count - start : BLOCK;
        int32_t here = count_between(weights + start, size, (uint32_t)least, span);
        int64_t at = found;
        found += here;
        if (!here || found > room) continue;
        for (int64_t i = start; i < start + size; i++)
            if ((uint32_t)(weights[i] & MAGNITUDE) - (uint32_t)least <= span) places[at++] = i;
    }
    return found;
}
