// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does a patch come in, who drives its transition, and how does it end?
 *
 *	klp_enable_patch(): check, admit, show, enable, look once	 the patch's module init
 *	klp_transition_look(): rounds until all have arrived		 the lookers
 *	klp_retire_worker(): let go of patches that have lost		 a worker, without klp_mutex
 *
 * A patch goes through
 *
 *	NEW -> ENTERING -> ACTIVE -> LEAVING -> RETIRED
 *	ENTERING -> RETIRED	refused, failed or reversed
 *	LEAVING -> ACTIVE	reversed
 *
 * where its bits (world.c) are 00, 10, 11, 01 when replaced or 10 when disabled, and 00 again.
 * There is no way back from RETIRED but to load the module again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>
#include "internal.h"

/* Last access to a patch: wait until sysfs is done with it, then release its module. */
static void klp_patch_put(struct klp_patch *patch)
{
	struct module *mod = patch->mod;
	bool forced = patch->forced;

	kobject_put(&patch->kobj);
	wait_for_completion(&patch->finish);

	/* After a forced transition, tasks may run the module's code for as long as they like. */
	if (forced)
		klp_evict_forced(mod);
	else
		module_put(mod);
}

static void klp_transition_look(void)
{
	guard(mutex)(&klp_mutex);
	klp_transition_round();
}

/* The last task that a round has left behind has moved: there is no reason to put off the next. */
static void klp_transition_kick(struct irq_work *work)
{
	klp_lookers_now();
}

/*
 * Not under klp_mutex, since files in the directories that are removed take it; nor in a looker,
 * since that has tasks to look at.
 */
static void klp_retire_worker(struct work_struct *work)
{
	struct klp_patch *patch, *tmp;
	LIST_HEAD(patches);
	LIST_HEAD(hooks);
	bool garbage;

	scoped_guard(mutex, &klp_mutex) {
		list_splice_init(&klp_retired, &patches);
		garbage = klp_garbage_take();
		klp_hook_take(&hooks);
	}
	if (list_empty(&patches) && list_empty(&hooks) && !garbage)
		return;

	/*
	 * Tasks that are off the task list, past exit_notify(), were in no list that the
	 * transition has looked at, and may still run code of these patches. RCU-tasks waits for
	 * them, and for whoever is between a trampoline of ftrace and the code behind it. It
	 * comes before the directories go, so that who waits for that finds the module unused.
	 */
	synchronize_rcu_tasks();

	klp_hook_bury(&hooks);
	klp_garbage_collect();

	list_for_each_entry_safe(patch, tmp, &patches, list) {
		list_del(&patch->list);
		klp_patch_put(patch);
	}
}

static int klp_enable_check_new(const struct klp_patch *patch)
{
	const struct klp_patch *other;

	list_for_each_entry(other, &klp_patches, list) {
		if (other->mod == patch->mod) {
			pr_err("patch '%s' is enabled already\n", patch->mod->name);
			return -EEXIST;
		}
	}
	if (patch->kobj.state_initialized) {
		pr_err("patch '%s' was enabled before, its module has to be loaded again\n",
		       patch->mod->name);
		return -EEXIST;
	}
	return 0;
}

/* Take klp_mutex when nothing of @patch is being taken down that it is about to set up. */
static void klp_enable_lock(const struct klp_patch *patch)
{
	mutex_lock(&klp_mutex);
	while (klp_garbage_blocks(patch)) {
		mutex_unlock(&klp_mutex);
		flush_work(&klp_retire_work);
		mutex_lock(&klp_mutex);
	}
}

/* Admit, show and enable. When *@owned is set on failure, the patch is left to klp_patch_put(). */
static int klp_enable_locked(struct klp_patch *patch, bool *owned)
{
	int ret;

	lockdep_assert_held(&klp_mutex);

	ret = klp_enable_check_new(patch);
	if (ret)
		return ret;

	if (!try_module_get(patch->mod))
		return -ENODEV;

	klp_patch_init(patch);
	ret = klp_patch_admit(patch);
	if (ret) {
		module_put(patch->mod);
		return ret;
	}

	*owned = true;
	ret = klp_sysfs_add(patch);
	if (ret) {
		klp_patch_discard(patch);
		return ret;
	}
	ret = klp_patch_enable(patch);
	if (!ret)
		klp_transition_round();
	return ret;
}

/**
 * klp_enable_patch() - enable a livepatch
 * @patch: the livepatch, in memory that lives as long as its module
 *
 * Starts to move all tasks to the new functions and looks at all of them once. Tasks that cannot
 * change over yet follow later; the file "transition" of the patch in sysfs tells when all have.
 *
 * Context: process context, may sleep; called from the init function of a module marked with
 * MODULE_INFO(livepatch, "Y").
 * Return: 0; -EINVAL when the patch contradicts itself, what is installed, or the kernel's
 * symbols; -EBUSY when another transition is going on or ftrace refuses a function; -EEXIST when
 * it was enabled before; -ENODEV, -ENOENT, -ENOMEM; or what a callback of the patch returned.
 * After an error nothing of the patch is in effect.
 */
int klp_enable_patch(struct klp_patch *patch)
{
	bool owned = false;
	int ret;

	ret = klp_patch_check(patch);
	if (ret)
		return ret;

	if (!klp_have_reliable_stack()) {
		pr_warn("no reliable stack traces here: tasks change over only on their way to user mode\n");
		pr_warn("the transition may never complete\n");
	}

	klp_enable_lock(patch);
	ret = klp_enable_locked(patch, &owned);
	mutex_unlock(&klp_mutex);

	if (ret && owned) {
		/* Shadow variables that it had begun to use go before the module does. */
		flush_work(&klp_retire_work);
		klp_patch_put(patch);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(klp_enable_patch);

static int __init klp_init(void)
{
	int ret;

	INIT_WORK(&klp_retire_work, klp_retire_worker);
	init_irq_work(&klp_task_last, klp_transition_kick);

	klp_shadow_init();
	ret = klp_lookers_init(klp_transition_look) ?: klp_evict_init();
	if (ret)
		return ret;

	klp_report_init();
	return klp_sysfs_init();
}
subsys_initcall(klp_init);
