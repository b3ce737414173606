// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What if a module goes away although its patch is in use?
 *
 * The module loader knows no mercy when the init function of a module fails, maybe after it has
 * enabled the patch, or when somebody says "rmmod -f". Calls would go on to where the module was.
 * So the patch is disabled first, whatever it says about that, and the module stays until no task
 * runs its code, be it for ever: to wait is better than to crash. Tasks that were forced out of a
 * patch are beyond help; then all that can be done is to say so.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/xarray.h>
#include "internal.h"

/* Milliseconds between two looks whether the patch has gone. */
#define KLP_EVICT_PAUSE 20

/* The look after which is told who else has to be waited for. */
#define KLP_EVICT_TOLD 250

/* Modules that tasks may run code of for good. */
static DEFINE_XARRAY(klp_evict_lost);

/**
 * klp_evict_forced() - remember that a module must never go
 * @mod: the module of a patch that tasks were forced out of; its reference is kept
 *
 * Context: process context, may sleep.
 */
void klp_evict_forced(struct module *mod)
{
	/* Without memory there will be no message, should the module go all the same. */
	xa_store(&klp_evict_lost, (unsigned long)mod, mod, GFP_KERNEL);
}

static struct klp_patch *klp_evict_find(const struct module *mod)
{
	struct klp_patch *patch;

	list_for_each_entry(patch, &klp_patches, list) {
		if (patch->mod == mod)
			return patch;
	}
	return NULL;
}

/*
 * One step towards the end of the patch in @mod. What fails for want of memory, or is undone by
 * somebody, is done again by the next step. Returns false when there is no such patch.
 */
static bool klp_evict_step(const struct module *mod, unsigned int nr)
{
	struct klp_patch *patch;

	guard(mutex)(&klp_mutex);

	patch = klp_evict_find(mod);
	if (!patch)
		return false;
	if (!nr)
		pr_err("patch '%s': its module goes away while it is in use; taking it back first\n",
		       mod->name);

	if (nr == KLP_EVICT_TOLD && klp_transition_patch && klp_transition_patch != patch)
		pr_warn("patch '%s': it can be taken back when the transition of '%s' has ended\n",
			mod->name, klp_transition_patch->mod->name);

	if (!klp_transition_patch)
		klp_patch_leave(patch);
	else if (klp_transition_patch == patch &&
		 klp_transition_target() == KLP_TRANSITION_PATCHED)
		klp_transition_reverse();
	klp_task_step_aside();
	return true;
}

/*
 * See to it that nobody needs a module that goes. Waits for a transition that is going on, and for
 * tasks that are in the code of the module's patch.
 */
static void klp_evict(struct module *mod)
{
	unsigned int nr = 0;

	if (!is_livepatch_module(mod))
		return;

	while (klp_evict_step(mod, nr)) {
		nr++;
		msleep(KLP_EVICT_PAUSE);
	}

	/* Retired or not, it may be used until then. */
	if (nr || klp_module_held(mod))
		flush_work(&klp_retire_work);

	if (xa_erase(&klp_evict_lost, (unsigned long)mod))
		pr_err("patch '%s': its module goes away although tasks were forced out of it and may still run its code\n",
		       mod->name);
}

static int klp_evict_notify(struct notifier_block *nb, unsigned long state, void *mod)
{
	if (state == MODULE_STATE_GOING)
		klp_evict(mod);
	return NOTIFY_OK;
}

/*
 * Before everybody else: what others do when a module goes, to its probes, static keys and static
 * calls, is meant for code that nobody runs. Nobody can register a notifier while this one waits.
 */
static struct notifier_block klp_evict_notifier = {
	.notifier_call = klp_evict_notify,
	.priority = INT_MAX,
};

/**
 * klp_evict_init() - be told of modules that go
 *
 * Context: initcall.
 * Return: 0 or an error.
 */
int __init klp_evict_init(void)
{
	return register_module_notifier(&klp_evict_notifier);
}
