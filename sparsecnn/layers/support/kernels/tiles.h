/* How many sums stay in registers, and a vector's total. */
#ifndef TILES_H
#define TILES_H

#include "support.h"
#include "vectors.h"

/* Sums of PLACES places fill half of the registers: 8 of 16 (AVX2, SSE2), 16 of 32 (NEON). */
#if defined(WITH_AVX2) || defined(__aarch64__)
enum { PLACES = 4 };
#else
enum { PLACES = 2 };
#endif
enum { VECTORS = GROUP / LANES, SUMS = PLACES * VECTORS };

INLINE float total(vec values)
{
    float sum = 0.0f;
    for (int i = 0; i < LANES; i++) sum += values[i];
    return sum;
}

#endif
