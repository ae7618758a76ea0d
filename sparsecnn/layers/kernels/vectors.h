/* Vectors of the target, and how a compiler is told to unroll and inline. */
#ifndef VECTORS_H
#define VECTORS_H

#include <string.h>

#include "support.h"

#define INLINE static inline __attribute__((always_inline))

/* Products and sums become one instruction also under -std=c11, which forbids it by default. */
#if defined(__clang__)
#pragma clang fp contract(fast)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#pragma GCC optimize("fp-contract=fast")
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Sums of PLACES places fill half of the registers: 8 of 16 (AVX2, SSE2), 16 of 32 (NEON). */
#if defined(WITH_AVX2)
enum { LANES = 8, PLACES = 4 };
#elif defined(__aarch64__)
enum { LANES = 4, PLACES = 4 };
#else
enum { LANES = 4, PLACES = 2 };
#endif
enum { VECTORS = GROUP / LANES, SUMS = PLACES * VECTORS };

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float vec_at_float __attribute__((vector_size(4 * LANES), aligned(4)));

INLINE vec load(const float *from) { return *(const vec_at_float *)from; }

INLINE void store(float *to, vec values) { *(vec_at_float *)to = values; }

INLINE vec splat(float value) { return value - (vec){0}; }

INLINE float total(vec values)
{
    float sum = 0.0f;
    for (int i = 0; i < LANES; i++) sum += values[i];
    return sum;
}

#endif
