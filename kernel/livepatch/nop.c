// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which functions does a patch revert by not naming them?
 *
 * A patch that replaces others gets an entry, a nop, for each function that only they replace:
 * its destination is the original, and it is visible in sysfs while the transition lasts. Looking
 * for these functions goes through an index, not through all pairs of names.
 */
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/xarray.h>
#include "internal.h"

static bool klp_func_same(const struct klp_func *a, const struct klp_func *b)
{
	/* 0, the only one, is the first one. */
	return !strcmp(a->old_name, b->old_name) && (a->old_sympos ?: 1) == (b->old_sympos ?: 1);
}

/*
 * Functions of one object by name. Collisions go to the next free key, so that a look-up ends at
 * a hole.
 */
static unsigned long klp_func_key(const struct klp_func *func)
{
	return full_name_hash(NULL, func->old_name, strlen(func->old_name));
}

static struct klp_func *klp_func_find(struct xarray *index, const struct klp_func *like)
{
	unsigned long key = klp_func_key(like);
	struct klp_func *func;

	while ((func = xa_load(index, key))) {
		if (klp_func_same(func, like))
			return func;
		key++;
	}
	return NULL;
}

/**
 * klp_func_index() - note a function in an index of the functions of one object
 * @index: the index
 * @func: the function
 *
 * Context: process context, may sleep.
 * Return: 0, -EEXIST when the same function is there already, or -ENOMEM.
 */
int klp_func_index(struct xarray *index, struct klp_func *func)
{
	unsigned long key = klp_func_key(func);
	struct klp_func *other;

	while ((other = xa_load(index, key))) {
		if (klp_func_same(other, func))
			return -EEXIST;
		key++;
	}
	return xa_err(xa_store(index, key, func, GFP_KERNEL));
}

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

/* Entries in @obj for the functions of @old that it does not have. */
static int klp_object_add_nops(struct klp_object *obj, const struct klp_object *old)
{
	struct klp_func *func, *nop;
	struct xarray index;
	int ret = 0;

	xa_init(&index);
	klp_for_each_func(obj, func) {
		ret = klp_func_index(&index, func);
		if (ret)
			goto out;
	}

	klp_for_each_func(old, func) {
		if (klp_func_find(&index, func))
			continue;
		nop = kzalloc(sizeof(*nop), GFP_KERNEL);
		ret = nop ? 0 : -ENOMEM;
		if (ret)
			goto out;
		nop->old_name = func->old_name;
		nop->old_sympos = func->old_sympos;
		nop->nop = true;
		klp_func_init(obj, nop);
	}
out:
	xa_destroy(&index);
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
