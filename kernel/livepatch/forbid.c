// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which code must a task have left before it changes over?
 *
 * What only the world that it leaves uses, and the way there; and what the patches that come or go
 * have asked for beyond that: functions to be watched, or the kernel as a whole. Sorted sets of
 * addresses, so that a frame is looked up in the logarithm of the number of functions.
 */
#include <linux/slab.h>
#include "internal.h"

static int klp_forbid_guard(const struct klp_layer *guard, struct klp_ranges **set)
{
	struct klp_site *site = guard->ip ? klp_index_find(guard->ip) : NULL;
	int ret;

	ret = klp_code_forbid(guard->orig, set);
	if (!ret && site)
		ret = klp_site_watch(site, set);
	return ret;
}

/* Guards count in both directions: their patch is about to be there, or not to be there. */
static int klp_forbid_guards(const struct klp_patch *patch, struct klp_ranges **set)
{
	struct klp_object *obj;
	struct klp_func *func;
	int ret;

	klp_for_each_object(patch, obj) {
		klp_for_each_func(obj, func) {
			/* No layer: the object is not loaded. */
			if (!func->guard || !func->layer)
				continue;
			ret = klp_forbid_guard(func->layer, set);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int klp_forbid_code(int target, struct klp_ranges **set)
{
	struct klp_patch *patch;
	struct klp_site *site;
	int ret;

	ret = klp_trampoline_forbid(set);
	if (ret)
		return ret;
	klp_for_each_site(site) {
		ret = klp_site_forbid(site, !target, set);
		if (ret)
			return ret;
	}
	list_for_each_entry(patch, &klp_patches, list) {
		ret = klp_world_changes(patch) ? klp_forbid_guards(patch, set) : 0;
		if (ret)
			return ret;
	}
	klp_ranges_seal(*set);
	return 0;
}

static int klp_forbid_text(int target, struct klp_ranges **set)
{
	struct klp_patch *patch;
	int ret;

	list_for_each_entry(patch, &klp_patches, list) {
		const struct module_memory *text = &patch->mod->mem[MOD_TEXT];
		unsigned long start = (unsigned long)text->base;

		if (!klp_world_loses(patch, target))
			continue;
		ret = klp_ranges_add(set, start, start + text->size);
		if (ret)
			return ret;
	}
	klp_ranges_seal(*set);
	return 0;
}

static bool klp_forbid_kernel(void)
{
	struct klp_patch *patch;

	list_for_each_entry(patch, &klp_patches, list) {
		if (patch->leave_kernel && klp_world_changes(patch))
			return true;
	}
	return false;
}

/**
 * klp_forbidden_free() - throw sets away that nobody has seen
 * @forbidden: from klp_forbidden_collect(); empty afterwards
 *
 * Context: process context, may sleep.
 */
void klp_forbidden_free(struct klp_forbidden *forbidden)
{
	kvfree(forbidden->code);
	kvfree(forbidden->text);
	*forbidden = (struct klp_forbidden){};
}

/**
 * klp_forbidden_collect() - work out what tasks have to leave
 * @target: the world that they go to; the bits of all patches and the sites are as they will be
 * @forbidden: out: what calls are diverted to, or not, in the other world only; the guards of
 *	patches that come or go; everything in the module of a patch that goes away, since a
 *	replacement may have jumped to a helper at its end and left no trace of itself on the
 *	stack; and whether one of the patches that come or go wants user tasks to leave the kernel
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 or -ENOMEM, upon which @forbidden is empty.
 */
int klp_forbidden_collect(int target, struct klp_forbidden *forbidden)
{
	int ret;

	*forbidden = (struct klp_forbidden){ .kernel = klp_forbid_kernel() };

	ret = klp_forbid_code(target, &forbidden->code);
	if (!ret)
		ret = klp_forbid_text(target, &forbidden->text);
	if (!ret)
		return 0;

	klp_forbidden_free(forbidden);
	return ret;
}
