// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which functions does a patch revert by not naming them?
 *
 * A patch that replaces others gets an entry, a nop, for each function that only they replace:
 * its destination is the original, and it is visible in sysfs while the transition lasts. Looking
 * for these functions goes through an index, not through all pairs of names.
 */
#include <linux/slab.h>
#include <linux/xarray.h>
#include "internal.h"

/* The entry of @patch for the object that @like stands for; allocated if need be. */
static struct klp_object *klp_patch_get_object(struct klp_patch *patch,
					       const struct klp_object *like)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj) {
		if (klp_object_same(obj, like))
			return obj;
	}

	obj = kzalloc(sizeof(*obj), GFP_KERNEL);
	if (!obj)
		return NULL;
	/* Borrowed from a patch that outlives the transition, which is longer than we last. */
	obj->name = like->name;
	obj->dynamic = true;
	klp_object_init(patch, obj);
	return obj;
}

static int klp_object_add_nop(struct klp_object *obj, const struct klp_func *old,
			      const struct xarray *guards)
{
	struct klp_func *nop = kzalloc(sizeof(*nop), GFP_KERNEL);

	if (!nop)
		return -ENOMEM;
	nop->old_name = old->old_name;
	nop->old_sympos = old->old_sympos;
	nop->nop = true;
	nop->hidden = klp_func_find(guards, old);
	klp_func_init(obj, nop);
	return 0;
}

/*
 * Entries in @obj for the functions of @old that it does not replace. Guards replace nothing:
 * an old one asks for no nop, and a new one needs a nop beside it.
 */
static int klp_object_add_nops(struct klp_object *obj, const struct klp_object *old)
{
	struct xarray index, guards;
	struct klp_func *func;
	int ret = 0;

	xa_init(&index);
	xa_init(&guards);
	klp_for_each_func(obj, func) {
		ret = klp_func_index(func->guard ? &guards : &index, func);
		if (ret)
			goto out;
	}

	klp_for_each_func(old, func) {
		if (func->guard || klp_func_find(&index, func))
			continue;
		ret = klp_object_add_nop(obj, func, &guards);
		if (ret)
			goto out;
	}
out:
	klp_xa_empty(&index);
	klp_xa_empty(&guards);
	return ret;
}

/**
 * klp_patch_add_nops() - give a patch an entry for each function that only whom it replaces has
 * @patch: the patch
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 or -ENOMEM, upon which klp_patch_free_nops() is to be called.
 */
int klp_patch_add_nops(struct klp_patch *patch)
{
	struct klp_object *obj, *old_obj;
	struct klp_patch *old;
	int ret;

	list_for_each_entry(old, &klp_patches, list) {
		if (!klp_world_replaces(patch, old))
			continue;
		klp_for_each_object(old, old_obj) {
			obj = klp_patch_get_object(patch, old_obj);
			if (!obj)
				return -ENOMEM;
			ret = klp_object_add_nops(obj, old_obj);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* Free what klp_patch_add_nops() has allocated, while sysfs does not know of it. klp_mutex. */
void klp_patch_free_nops(struct klp_patch *patch)
{
	struct klp_object *obj, *tmp_obj;
	struct klp_func *func, *tmp_func;

	klp_for_each_object_safe(patch, obj, tmp_obj) {
		klp_for_each_func_safe(obj, func, tmp_func) {
			if (!func->nop)
				continue;
			list_del(&func->node);
			kfree(func);
		}
		if (obj->dynamic) {
			list_del(&obj->node);
			kfree(obj);
		}
	}
}
