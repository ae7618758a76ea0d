/* Vectors of the target, how a compiler is told to unroll and inline, and which variant a processor runs. */
#ifndef VECTORS_H
#define VECTORS_H

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Products and sums become one instruction also under -std=c11, which forbids it by default. */
#if defined(__clang__)
#pragma clang fp contract(fast)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#pragma GCC optimize("fp-contract=fast")
#define UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(WITH_AVX2)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float vec_at_float __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int mask __attribute__((vector_size(4 * LANES)));

INLINE vec load(const float *from) { return *(const vec_at_float *)from; }

INLINE void store(float *to, vec values) { *(vec_at_float *)to = values; }

INLINE vec splat(float value) { return value - (vec){0}; }

#endif
