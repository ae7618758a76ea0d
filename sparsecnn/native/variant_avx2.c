/* The kernels for x86-64 with AVX2 and FMA, whatever the compiler's own target is. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define WITH_AVX2
#define VARIANT(name) name##_avx2
#include "variant.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
