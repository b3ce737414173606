// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where is the code of the trace events, and do their names match what they name?
 */
#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/livepatch.h>

/* The lists in the header are indexed by these, and cannot include them. */
static_assert(KLP_WAY_STACK == 0 && KLP_WAY_EXIT == 1 && KLP_WAY_IDLE == 2 &&
	      KLP_WAY_RESCHED == 3 && KLP_WAY_FORCED == 4 && KLP_WAYS == 5);
static_assert(KLP_CLEAR == 0 && KLP_RUNNING == 1 && KLP_ON_STACK == 2 && KLP_UNRELIABLE == 3 &&
	      KLP_IN_KERNEL == 4 && KLP_IN_FLIGHT == 5 && KLP_VERDICTS == 6);
