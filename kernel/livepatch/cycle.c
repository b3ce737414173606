// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do calls that are diverted ever arrive?
 *
 * A replacement is a function like others, and may be patched itself, by the same patch or another
 * one. When the way from replacement to replacement comes back to where it began, a call goes
 * round for ever. It need not be so at once: patches come and go. So the way leads through all
 * replacements that a patch in the same world has for a function, not only the one that counts.
 *
 * The code of a livepatch module is rarely patched. To look there only when it is, finds every
 * circle: one that never leaves the replacements' own modules was closed at a function of one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include "internal.h"

/**
 * struct klp_cycle_stop - a site that a call may come to
 * @node: in the list of all of them, in the order in which they were found
 * @site: the site
 */
struct klp_cycle_stop {
	struct list_head node;
	const struct klp_site *site;
};

/* Add the site that a replacement has, unless it is there. */
static int klp_cycle_add(struct list_head *stops, const struct klp_layer *layer)
{
	const struct klp_range *body = layer->code ? &layer->code->part[0] : NULL;
	struct klp_cycle_stop *stop;
	struct klp_site *site;
	unsigned long ip;

	ip = body ? klp_place_find(body) : 0;
	site = ip ? klp_index_find(ip) : NULL;
	if (!site)
		return 0;

	list_for_each_entry(stop, stops, node) {
		if (stop->site == site)
			return 0;
	}
	stop = kmalloc(sizeof(*stop), GFP_KERNEL);
	if (!stop)
		return -ENOMEM;
	stop->site = site;
	list_add_tail(&stop->node, stops);
	return 0;
}

/* All sites that calls may come to once @layer has diverted them in @world. */
static int klp_cycle_follow(struct list_head *stops, const struct klp_layer *layer, int world)
{
	const struct klp_layer *next;
	struct klp_cycle_stop *stop;
	int ret;

	ret = klp_cycle_add(stops, layer);
	list_for_each_entry(stop, stops, node) {
		list_for_each_entry(next, &stop->site->layers, node) {
			if (!ret && klp_world_has(next->patch, world))
				ret = klp_cycle_add(stops, next);
		}
	}
	return ret;
}

/* Does @layer, at its site, lead back there? 0, -ELOOP or -ENOMEM. */
static int klp_cycle_look(const struct klp_layer *layer, int world)
{
	struct klp_cycle_stop *stop, *tmp;
	LIST_HEAD(stops);
	int ret;

	ret = klp_cycle_follow(&stops, layer, world);
	list_for_each_entry_safe(stop, tmp, &stops, node) {
		if (stop->site == layer->site && !ret)
			ret = -ELOOP;
		kfree(stop);
	}
	return ret;
}

static bool klp_cycle_possible(const struct klp_patch *patch, const struct klp_object *obj,
			       const struct klp_func *func)
{
	if (!func->layer->code)
		return false;
	return !within_module((unsigned long)func->new_func, patch->mod) ||
	       (obj->mod && is_livepatch_module(obj->mod));
}

/**
 * klp_cycle_check() - do the replacements of an object's functions lead back to these?
 * @patch: the patch
 * @obj: one of its objects; its layers are at their sites, and take no effect yet
 *
 * Context: process context, may sleep; klp_mutex held, the bits of all patches set.
 * Return: 0; -EINVAL after a message that names the function; or -ENOMEM.
 */
int klp_cycle_check(const struct klp_patch *patch, const struct klp_object *obj)
{
	const struct klp_func *func;
	int world, ret = 0;

	klp_for_each_func(obj, func) {
		if (!klp_cycle_possible(patch, obj, func))
			continue;
		for (world = 0; world <= 1 && !ret; world++) {
			if (klp_world_has(patch, world))
				ret = klp_cycle_look(func->layer, world);
		}
		if (ret == -ELOOP) {
			pr_err("patch '%s': replacement of '%s' in object '%s' leads back to the function\n",
			       patch->mod->name, func->old_name, klp_object_name(obj));
			return -EINVAL;
		}
		if (ret)
			return ret;
	}
	return 0;
}
