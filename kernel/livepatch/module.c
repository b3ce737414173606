// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens when a module that patches name comes or goes?
 *
 * A coming module gets every patch that is present in some world applied, oldest first, before
 * any of its code runs. A patch that cannot be applied keeps the module out: code with known
 * bugs must not come back in through the side door. A going module is let go of altogether; no
 * reference is ever held on it. Both may happen in the middle of a transition.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include "internal.h"

/* How often to try to get rid of ftrace filter entries when there is no memory. */
#define KLP_MODULE_SWEEPS 100

static struct klp_object *klp_module_object(struct klp_patch *patch, const struct module *mod)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj) {
		if (obj->name && !strcmp(obj->name, mod->name))
			return obj;
	}
	return NULL;
}

/* Nothing of the module runs: both worlds can be changed at once. */
static void klp_module_unhook(struct klp_object *obj)
{
	struct klp_func *func;

	klp_for_each_func(obj, func) {
		struct klp_site *site = func->layer->site;

		if (func->guard)
			continue;
		klp_site_pop(func->layer);
		klp_site_route(site, KLP_TRANSITION_UNPATCHED);
		klp_site_route(site, KLP_TRANSITION_PATCHED);
	}
	klp_object_unhook(obj);
}

static int klp_module_hook(struct klp_patch *patch, struct klp_object *obj)
{
	int ret;

	ret = klp_object_hook(patch, obj);
	if (ret)
		return ret;
	klp_object_route(obj);

	ret = klp_transition_refresh();
	if (ret)
		klp_module_unhook(obj);
	return ret;
}

static int klp_module_apply(struct klp_patch *patch, struct klp_object *obj, struct module *mod)
{
	struct klp_symbol *new;
	unsigned int nr;
	int ret;

	obj->mod = mod;
	new = klp_object_measure(patch, obj, &nr);
	if (new) {
		ret = klp_object_resolve(patch, obj, new);
		klp_object_measured(new, nr);
	} else {
		obj->mod = NULL;
		ret = -ENOMEM;
	}
	if (ret) {
		pr_warn("patch '%s' does not fit module '%s' (%d)\n", patch->mod->name, mod->name,
			ret);
		return ret;
	}

	pr_notice("applying patch '%s' to loading module '%s'\n", patch->mod->name, mod->name);

	ret = klp_object_pre_patch(patch, obj);
	if (ret)
		goto forget;

	ret = klp_module_hook(patch, obj);
	if (ret) {
		klp_object_post_unpatch(obj);
		goto forget;
	}

	if (patch != klp_transition_patch)
		klp_object_post_patch(obj);
	return 0;

forget:
	klp_object_forget(patch, obj);
	return ret;
}

static void klp_module_revert(struct klp_patch *patch, struct klp_object *obj)
{
	if (patch != klp_transition_patch)
		klp_object_pre_unpatch(obj);

	pr_notice("reverting patch '%s' on unloading module '%s'\n", patch->mod->name, obj->name);

	klp_module_unhook(obj);
	klp_object_post_unpatch(obj);
	klp_object_forget(patch, obj);
}

/* Revert the patches up to @end, NULL for all. */
static void klp_module_revert_all(struct module *mod, const struct klp_patch *end)
{
	struct klp_object *obj;
	struct klp_patch *patch;
	unsigned int sweeps = 0;

	list_for_each_entry(patch, &klp_patches, list) {
		if (patch == end)
			break;
		obj = klp_module_object(patch, mod);
		if (obj && obj->mod)
			klp_module_revert(patch, obj);
	}

	/* ftrace must not remember addresses of the module: another one may get them. */
	klp_hook_sweep();
	while (!klp_hook_dead() && klp_hook_pending(mod) && ++sweeps < KLP_MODULE_SWEEPS) {
		msleep(20);
		klp_hook_sweep();
	}
	if (klp_hook_dead())
		klp_hook_abandon(mod);
	WARN_ONCE(sweeps == KLP_MODULE_SWEEPS, "no memory to let go of module '%s'\n", mod->name);

	/* When this fails, tasks have to leave more than they need to: that is safe. */
	klp_transition_refresh();

	if (klp_hook_gone())
		queue_work(system_long_wq, &klp_retire_work);
}

/**
 * klp_module_coming() - apply all patches to a module that is being loaded
 * @mod: the module
 *
 * Context: process context, may sleep; called by the module loader before any code of the module
 * has run, with the ftrace records of the module in place.
 * Return: 0, or an error that keeps the module out.
 */
int klp_module_coming(struct module *mod)
{
	struct klp_object *obj;
	struct klp_patch *patch;
	int ret;

	if (WARN_ON_ONCE(mod->state != MODULE_STATE_COMING))
		return -EINVAL;

	if (!strcmp(mod->name, "vmlinux")) {
		pr_err("module name 'vmlinux' is taken by the kernel itself\n");
		return -EINVAL;
	}

	guard(mutex)(&klp_mutex);

	/* From here on patches that are enabled later see to the module themselves. */
	mod->klp_alive = true;

	list_for_each_entry(patch, &klp_patches, list) {
		obj = klp_module_object(patch, mod);
		if (!obj)
			continue;
		ret = klp_module_apply(patch, obj, mod);
		if (ret)
			goto refuse;
	}
	return 0;

refuse:
	pr_warn("patch '%s' failed for module '%s', refusing to load module '%s'\n",
		patch->mod->name, mod->name, mod->name);
	mod->klp_alive = false;
	klp_module_revert_all(mod, patch);
	return ret;
}

/**
 * klp_module_going() - let go of a module that is being unloaded, or failed to load
 * @mod: the module, patched or not
 *
 * Context: process context, may sleep; called by the module loader after the module's exit
 * function, with the ftrace records and symbols of the module still in place.
 */
void klp_module_going(struct module *mod)
{
	if (WARN_ON_ONCE(mod->state != MODULE_STATE_GOING && mod->state != MODULE_STATE_COMING))
		return;

	guard(mutex)(&klp_mutex);

	mod->klp_alive = false;
	klp_words_forget();
	klp_module_revert_all(mod, NULL);
}
