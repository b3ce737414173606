// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When is the memory of a shadow variable given back?
 *
 * When all have gone who may have found it: after a grace period of RCU. kfree_rcu() would do, and
 * takes more than half of what freeing a variable costs. Here it is thrown into a bin of the CPU,
 * and what has been in there for a grace period is freed, all at once:
 *
 *	freed -> waiting -> memory		each arrow is a run of the work
 *
 * The first that comes into an empty bin asks for a run, as does a run that leaves something
 * waiting. Each comes a grace period after it was asked for, so that what it finds waiting has had
 * one in full since the run before.
 */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "internal.h"
#include "shadow.h"

DEFINE_PER_CPU(struct klp_shadow_bin, klp_shadow_bins);

/**
 * klp_shadow_bin_run() - have a bin emptied
 * @bin: the bin
 *
 * Context: any, also with locks held that are taken in interrupts; does nothing but call_rcu().
 */
void klp_shadow_bin_run(struct klp_shadow_bin *bin)
{
	queue_rcu_work(system_long_wq, &bin->work);
}

static void klp_shadow_bin_empty(struct work_struct *work)
{
	struct klp_shadow_bin *bin = container_of(to_rcu_work(work), struct klp_shadow_bin, work);
	struct klp_shadow *shadow, *tmp;
	struct llist_node *old = bin->waiting;

	bin->waiting = llist_del_all(&bin->freed);
	if (bin->waiting)
		klp_shadow_bin_run(bin);
	llist_for_each_entry_safe(shadow, tmp, old, freed) {
		kfree(shadow);
		cond_resched();
	}
}

/**
 * klp_shadow_init_bins() - get the bins ready
 *
 * Context: initcall.
 */
void __init klp_shadow_init_bins(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		INIT_RCU_WORK(&per_cpu(klp_shadow_bins, cpu).work, klp_shadow_bin_empty);
}
