/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BENCH_H
#define _BENCH_H

/* BENCH_EACH(macro) and BENCH_EACH_<n>(macro): for 0, 1, ...; written by the run script. */
#include "bench_each.h"

#define BENCH_PROTOTYPE(n) int bench_f##n(int x);
BENCH_EACH(BENCH_PROTOTYPE)

#endif /* _BENCH_H */
