/* The entry points: chooses the variant for the processor it runs on. */
#include "step.h"

#include "choice.h"

typedef void run_function(const struct step *, int, const struct tensor *, long, float *);
run_function run_base, run_avx2; /* visible for tests: one variant, whatever the processor */

void run(const struct step *steps, int count, const struct tensor *tensors, long images, float *scratch)
{
    CHOSEN(run)(steps, count, tensors, images, scratch);
}

void prepare(const struct fill *fills, int count, float *scratch)
{
    for (int f = 0; f < count; f++)
        for (int64_t i = 0; i < fills[f].length; i++) scratch[fills[f].offset + i] = fills[f].value;
}
