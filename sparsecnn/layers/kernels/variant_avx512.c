/* The kernels for x86-64 that counts the bits of eight words at a time, whatever the compiler's own target is. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512vpopcntdq"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512vpopcntdq,prefer-vector-width=512")
#endif
#define VARIANT(name) name##_avx512
#include "variant.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
