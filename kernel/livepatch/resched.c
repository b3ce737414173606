// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does cond_resched() know that a transition is going on, where the scheduler cannot
 * redirect the call? By a static key that linux/livepatch_sched.h tests.
 */
#include <linux/export.h>
#include "internal.h"

DEFINE_STATIC_KEY_FALSE(klp_sched_try_switch_key);
/* cond_resched() is inline, and in every module. */
EXPORT_SYMBOL(klp_sched_try_switch_key);

/* Let tasks try to change over in cond_resched(). Under klp_mutex; sleeps. */
void klp_resched_enable(void)
{
	static_branch_enable(&klp_sched_try_switch_key);
}

/* Undo klp_resched_enable(). Under klp_mutex; sleeps. */
void klp_resched_disable(void)
{
	static_branch_disable(&klp_sched_try_switch_key);
}
