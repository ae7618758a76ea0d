/* All kernels. */
#include "gather.h"
#include "correlate.h"
