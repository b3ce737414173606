// SPDX-License-Identifier: GPL-2.0-only
/* Functions that are small and all different; apart from their callers, so that none is inlined. */
#include "bench.h"

#define FUNCTION(n) int bench_f##n(int x) { return x + (n); }
BENCH_EACH(FUNCTION)
