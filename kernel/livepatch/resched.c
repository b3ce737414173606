// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does the scheduler know that a transition is going on, so that a task looks at itself?
 *
 * On Linux 6.12 in cond_resched(), which is redirected where preemption is chosen at boot, by
 * functions of the scheduler's own. Everywhere else linux/livepatch_sched.h tests a static key: in
 * cond_resched(), and since Linux 6.16 in __schedule(), there for a task that goes to sleep and may
 * be frozen meanwhile.
 */
#include <linux/export.h>
#include "compat.h"
#include "internal.h"

DECLARE_STATIC_KEY_FALSE(klp_sched_try_switch_key);
DEFINE_STATIC_KEY_FALSE(klp_sched_try_switch_key);
KLP_EXPORT_HOOK_KEY(klp_sched_try_switch_key);

/* Unless the scheduler has its own. */
void __weak sched_dynamic_klp_enable(void)
{
	static_branch_enable(&klp_sched_try_switch_key);
}

void __weak sched_dynamic_klp_disable(void)
{
	static_branch_disable(&klp_sched_try_switch_key);
}

/* Let tasks try to change over where the scheduler meets them. Under klp_mutex; sleeps. */
void klp_resched_enable(void)
{
	sched_dynamic_klp_enable();
}

/* Undo klp_resched_enable(). Under klp_mutex; sleeps. */
void klp_resched_disable(void)
{
	sched_dynamic_klp_disable();
}
