// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do two entries, of whatever patches, mean the same object or the same function?
 *
 * Objects are few and are compared by name. Functions may be thousands: to find those that two
 * patches have in common, one of them goes into an index.
 */
#include <linux/stringhash.h>
#include <linux/xarray.h>
#include "internal.h"

const char *klp_object_name(const struct klp_object *obj)
{
	return obj->name ?: "vmlinux";
}

/* Do both stand for the same object? */
bool klp_object_same(const struct klp_object *a, const struct klp_object *b)
{
	return !strcmp(klp_object_name(a), klp_object_name(b));
}

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

/**
 * klp_func_find() - look a function up in an index of the functions of one object
 * @index: the index
 * @like: another entry for the function
 *
 * Context: any.
 * Return: the entry in the index, or NULL when there is none.
 */
struct klp_func *klp_func_find(const struct xarray *index, const struct klp_func *like)
{
	unsigned long key = klp_func_key(like);
	struct klp_func *func;

	while ((func = xa_load((struct xarray *)index, key))) {
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
