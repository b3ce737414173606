// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which patches may live side by side?
 *
 * Patches of one set replace each other, or stack. Patches of different sets come and go without
 * regard to each other, so they may have nothing in common: no system state, and no function,
 * neither by name, which is seen when the second one wants to come in, nor by address, where one
 * function has several names, which is seen once the object is loaded.
 *
 * These rules were agreed on live-patching@vger.kernel.org in May and June 2026, in the threads
 * about the series by Yafang Shao that introduces a replace_set.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/xarray.h>
#include "internal.h"

/* Does the entry replace a function? A nop stands for an older patch, a guard only watches. */
static bool klp_set_counts(const struct klp_func *func)
{
	return !func->nop && !func->guard;
}

static int klp_set_check_states(const struct klp_patch *patch, struct klp_patch *other)
{
	const struct klp_state *state;

	for (state = patch->states; state && state->id; state++) {
		if (!klp_get_state(other, state->id))
			continue;
		pr_err("patch '%s' of set %u and patch '%s' of set %u both have state %lu\n",
		       patch->mod->name, patch->replace_set, other->mod->name, other->replace_set,
		       state->id);
		return -EINVAL;
	}
	return 0;
}

static int klp_set_index(const struct klp_object *obj, struct xarray *index)
{
	struct klp_func *func;
	int ret = 0;

	klp_for_each_func(obj, func) {
		if (!ret && klp_set_counts(func))
			ret = klp_func_index(index, func);
	}
	return ret;
}

/* Compare functions; @index is for those of @obj, and filled when it is needed first. */
static int klp_set_check_funcs(const struct klp_patch *patch, const struct klp_object *obj,
			       const struct klp_patch *other, const struct klp_object *other_obj,
			       struct xarray *index)
{
	struct klp_func *func;
	int ret;

	if (xa_empty(index)) {
		ret = klp_set_index(obj, index);
		if (ret)
			return ret;
	}

	klp_for_each_func(other_obj, func) {
		if (!klp_set_counts(func) || !klp_func_find(index, func))
			continue;
		pr_err("patch '%s' of set %u and patch '%s' of set %u both have function '%s' in object '%s'\n",
		       patch->mod->name, patch->replace_set, other->mod->name, other->replace_set,
		       func->old_name, klp_object_name(obj));
		return -EINVAL;
	}
	return 0;
}

static int klp_set_check_object(const struct klp_patch *patch, const struct klp_object *obj)
{
	const struct klp_object *other_obj;
	const struct klp_patch *other;
	struct xarray index;
	int ret = 0;

	xa_init(&index);
	list_for_each_entry(other, &klp_patches, list) {
		if (!klp_world_beside(patch, other))
			continue;
		klp_for_each_object(other, other_obj) {
			if (!ret && klp_object_same(obj, other_obj))
				ret = klp_set_check_funcs(patch, obj, other, other_obj, &index);
		}
	}
	klp_xa_empty(&index);
	return ret;
}

/**
 * klp_set_check() - may a patch live beside the enabled patches of other sets?
 * @patch: a patch after klp_patch_init(), without nops
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0; -EINVAL after a message that names both patches, and the function or system state
 * that they have in common; or -ENOMEM.
 */
int klp_set_check(const struct klp_patch *patch)
{
	const struct klp_object *obj;
	struct klp_patch *other;
	int ret;

	list_for_each_entry(other, &klp_patches, list) {
		ret = klp_world_beside(patch, other) ? klp_set_check_states(patch, other) : 0;
		if (ret)
			return ret;
	}
	klp_for_each_object(patch, obj) {
		ret = klp_set_check_object(patch, obj);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * klp_set_rival() - who else has the function at a site?
 * @site: the site
 * @patch: the patch that wants it; newer than those that are there
 *
 * Context: klp_mutex held.
 * Return: the layer of a patch that stays, in another set; NULL when there is none.
 */
struct klp_layer *klp_set_rival(const struct klp_site *site, const struct klp_patch *patch)
{
	struct klp_layer *layer;

	list_for_each_entry(layer, &site->layers, node) {
		if (klp_set_counts(layer->func) && klp_world_beside(patch, layer->patch))
			return layer;
	}
	return NULL;
}

/**
 * klp_set_check_sites() - has a patch of another set got one of the functions by another name?
 * @patch: a patch that is about to come to the sites
 * @obj: one of its objects, with the places of its functions known; none is at a site yet
 *
 * Context: klp_mutex held.
 * Return: 0, or -EINVAL after a message that names both patches and both names.
 */
int klp_set_check_sites(const struct klp_patch *patch, const struct klp_object *obj)
{
	const struct klp_layer *rival;
	const struct klp_site *site;
	const struct klp_func *func;

	klp_for_each_func(obj, func) {
		if (!klp_set_counts(func))
			continue;
		site = klp_index_find(func->layer->ip);
		rival = site ? klp_set_rival(site, patch) : NULL;
		if (!rival)
			continue;
		pr_err("patch '%s' of set %u: function '%s' in object '%s' is '%s' of patch '%s' of set %u\n",
		       patch->mod->name, patch->replace_set, func->old_name, klp_object_name(obj),
		       rival->func->old_name, rival->patch->mod->name, rival->patch->replace_set);
		return -EINVAL;
	}
	return 0;
}
