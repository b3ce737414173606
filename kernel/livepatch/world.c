// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which patch is present in which world?
 *
 * During a transition there are two worlds: world 1 with the patch in transition, world 0
 * without it. A task is in the one that its patch_state names, and -1, no transition, acts like
 * world 0. Each patch carries one bit for each world, and everything else follows from the bits:
 *
 *	operation             worlds of the patch (1 0)
 *	                      before    during    after, settled in world 1 | 0
 *	enable P              - -       1 -       1 1  |  - -
 *	P replaces Q: Q       1 1       - 1       - -  |  1 1
 *	disable P             1 1       1 -       1 1  |  - -
 *	another patch         1 1       1 1       1 1  |  1 1
 *
 * Reversing changes no bit, only the world that the tasks are heading for.
 */
#include <linux/cpu.h>
#include "internal.h"

/*
 * Protects everything that the core knows about patches, sites and the transition, but for what
 * the ftrace handler and tasks that change over by themselves read; those have their own rules,
 * see transition.c. Taken inside of a sysfs file's active reference, outside of module_mutex,
 * text_mutex, cpus_read_lock and ftrace's locks. Callbacks run with it held.
 */
DEFINE_MUTEX(klp_mutex);

/* Patches that are present somewhere, in the order in which they were enabled; klp_mutex. */
LIST_HEAD(klp_patches);

/*
 * The patch that tells the two worlds apart, NULL outside of a transition. Written under
 * klp_mutex, read without it by sysfs.
 */
struct klp_patch *klp_transition_patch;

static DEFINE_PER_CPU(struct work_struct, klp_sync_work);

bool klp_world_has(const struct klp_patch *patch, int world)
{
	return patch->worlds & BIT(world);
}

/* Does @patch go away when the tasks have all arrived in world @target? */
bool klp_world_loses(const struct klp_patch *patch, int target)
{
	return klp_world_has(patch, !target) && !klp_world_has(patch, target);
}

/* Is @patch present in one of the worlds only: on its way in or out, whatever the direction? */
bool klp_world_changes(const struct klp_patch *patch)
{
	return klp_world_has(patch, 0) != klp_world_has(patch, 1);
}

/* Does @patch take the place of @other when it is enabled? */
bool klp_world_replaces(const struct klp_patch *patch, const struct klp_patch *other)
{
	const unsigned int *set;

	if (!patch->replace || patch == other)
		return false;
	if (patch->replace_set == other->replace_set)
		return true;
	for (set = patch->supersedes; set && *set; set++) {
		if (*set == other->replace_set)
			return true;
	}
	return false;
}

/* Does @patch live beside @other, an older one of another set, so that they must share nothing? */
bool klp_world_beside(const struct klp_patch *patch, const struct klp_patch *other)
{
	return patch->replace_set != other->replace_set && !klp_world_replaces(patch, other);
}

/* Let @patch enter world 1; whom it replaces stays in world 0 only. */
void klp_world_enable(struct klp_patch *patch)
{
	struct klp_patch *other;

	patch->worlds = KLP_WITH;
	list_for_each_entry(other, &klp_patches, list) {
		if (klp_world_replaces(patch, other))
			other->worlds = KLP_WITHOUT;
	}
}

/* Let @patch leave world 0. */
void klp_world_disable(struct klp_patch *patch)
{
	patch->worlds = KLP_WITH;
}

/* All tasks are in world @target: who is present there stays, who is not is gone. */
void klp_world_settle(struct klp_patch *patch, int target)
{
	patch->worlds = klp_world_has(patch, target) ? KLP_EVERYWHERE : KLP_NOWHERE;
}

static void klp_sync_nop(struct work_struct *work)
{
}

/*
 * Wait until every CPU has passed a context switch, and so every region with preemption off that
 * was running has ended. synchronize_rcu() would not do: the handler runs where RCU does not
 * watch, on the way from and to user mode and in the idle loop. Neither may this fail for want
 * of memory, hence no schedule_on_each_cpu().
 *
 * Under klp_mutex; sleeps.
 */
void klp_sync(void)
{
	unsigned int cpu;

	lockdep_assert_held(&klp_mutex);

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		struct work_struct *work = per_cpu_ptr(&klp_sync_work, cpu);

		INIT_WORK(work, klp_sync_nop);
		schedule_work_on(cpu, work);
	}
	for_each_online_cpu(cpu)
		flush_work(per_cpu_ptr(&klp_sync_work, cpu));
	cpus_read_unlock();
}
