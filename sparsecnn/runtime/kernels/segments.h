/* Segments of a row in vectors, and what moves, compares and copies them. */
#ifndef SEGMENTS_H
#define SEGMENTS_H

#include "vectors.h"

/* TILE_ROWS x 8 pixels fill half of the registers or more: 8 of 16 (AVX2), 8 of 16 (SSE2), 16 of 32 (NEON). */
#if defined(WITH_AVX2) || defined(__aarch64__)
enum { TILE_ROWS = 8 };
#else
enum { TILE_ROWS = 4 };
#endif
enum { PARTS = 8 / LANES }; /* vectors a row of a segment */

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (mask){__VA_ARGS__})
#endif

/* The even elements of (a, b), the odd ones, and a moved down by one with the first of b behind it. With 8 lanes in two
 * steps, within the halves and then across: one cheap instruction each. */
#if LANES == 8
INLINE vec across(vec v) { return SHUFFLE(v, v, 0, 1, 4, 5, 2, 3, 6, 7); }
INLINE vec evens(vec a, vec b) { return across(SHUFFLE(a, b, 0, 2, 8, 10, 4, 6, 12, 14)); }
INLINE vec odds(vec a, vec b) { return across(SHUFFLE(a, b, 1, 3, 9, 11, 5, 7, 13, 15)); }
INLINE vec next(vec a, vec b) { return SHUFFLE(a, b, 1, 2, 3, 4, 5, 6, 7, 8); }
#else
INLINE vec evens(vec a, vec b) { return SHUFFLE(a, b, 0, 2, 4, 6); }
INLINE vec odds(vec a, vec b) { return SHUFFLE(a, b, 1, 3, 5, 7); }
INLINE vec next(vec a, vec b) { return SHUFFLE(a, b, 1, 2, 3, 4); }
#endif

INLINE vec larger(vec a, vec b)
{
    mask b_wins = b > a;
    return (vec)(((mask)b & b_wins) | ((mask)a & ~b_wins));
}

/* The first `count` < 8 floats; a memcpy of unknown length would be a call. */
INLINE void copy_few(float *to, const float *from, int count)
{
    if (count & 4) memcpy(to, from, 16), to += 4, from += 4;
    if (count & 2) memcpy(to, from, 8), to += 2, from += 2;
    if (count & 1) *to = *from;
}

/* NaN stays NaN, as in torch. */
INLINE vec positive(vec values) { return (vec)((mask)values & ~(values < (vec){0})); }

#endif
