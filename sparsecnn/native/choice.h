/* The variant for the processor that this runs on: CHOSEN(name) is name_avx2 or name_base. */
#ifndef CHOICE_H
#define CHOICE_H

#if defined(__x86_64__)
static int has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#define CHOSEN(name) (has_avx2() ? name##_avx2 : name##_base)
#else
#define CHOSEN(name) name##_base
#endif

#endif
