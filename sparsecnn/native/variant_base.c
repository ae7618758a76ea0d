/* The kernels for what every processor of the target has. */
#define VARIANT(name) name##_base
#include "variant.h"
