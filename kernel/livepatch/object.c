// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What does it take to patch one object, vmlinux or a module, and to undo it?
 *
 * resolve  relocations of the livepatch module for this object, then addresses and code of all
 *	    functions, old and new. Needs the object to be loaded.
 * hook	    a layer at the site of every function; sites that do not exist yet make a new batch.
 *	    Guards have no site: they stay out of this.
 * forget   the reverse of resolve.
 * drop	    the end: the object's entries in sysfs go, and what was allocated for it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/slab.h>
#include <trace/events/livepatch.h>
#include "internal.h"

/* Set up the core's part of an object and add it to a patch. */
void klp_object_init(struct klp_patch *patch, struct klp_object *obj)
{
	INIT_LIST_HEAD(&obj->func_list);
	obj->mod = NULL;
	obj->patched = false;
	list_add_tail(&obj->node, &patch->obj_list);
}

/* Is there something to patch? klp_mutex. */
bool klp_object_loaded(const struct klp_object *obj)
{
	return !obj->name || obj->mod;
}

static bool klp_object_concerned(const struct klp_object *obj, const struct klp_object *only)
{
	return only ? obj == only : klp_object_loaded(obj);
}

/* How many functions has it? klp_mutex. */
unsigned int klp_object_count(const struct klp_object *obj)
{
	return list_count_nodes((struct list_head *)&obj->func_list);
}

/* How many functions have the objects concerned? */
static unsigned int klp_object_count_all(struct klp_patch *patch, const struct klp_object *only)
{
	struct klp_object *obj;
	unsigned int nr = 0;

	klp_for_each_object(patch, obj) {
		if (klp_object_concerned(obj, only))
			nr += klp_object_count(obj);
	}
	return nr;
}

/* The end of what klp_object_measure() has found out, as far as nobody has taken it over. */
void klp_object_measured(struct klp_symbol *new, unsigned int nr)
{
	if (new)
		klp_symbols_free(new, nr);
	kvfree(new);
}

/**
 * klp_object_measure() - find out what the replacements of a patch consist of
 * @patch: the patch
 * @only: one of its objects, or NULL for all that are loaded
 * @nr: out: how many answers
 *
 * For all objects at once, since that takes walks over all symbols of the patch's module.
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: an answer for each function, object by object, to be given back to klp_object_measured();
 * or NULL when there is no memory.
 */
struct klp_symbol *klp_object_measure(struct klp_patch *patch, const struct klp_object *only,
				      unsigned int *nr)
{
	struct klp_object *obj;
	struct klp_symbol *new;
	struct klp_func *func;
	unsigned int i = 0;

	*nr = klp_object_count_all(patch, only);
	new = kvcalloc(max(*nr, 1), sizeof(*new), GFP_KERNEL);
	if (!new)
		return NULL;

	klp_for_each_object(patch, obj) {
		if (!klp_object_concerned(obj, only))
			continue;
		klp_for_each_func(obj, func)
			new[i++].addr = func->nop ? 0 : (unsigned long)func->new_func;
	}
	if (klp_symbols_measure(patch->mod, new, *nr)) {
		klp_object_measured(new, *nr);
		return NULL;
	}
	return new;
}

static int klp_object_resolve_funcs(struct klp_patch *patch, struct klp_object *obj,
				    struct klp_symbol *old, struct klp_symbol *new, unsigned int nr)
{
	struct klp_func *func;
	unsigned int i = 0;
	int ret;

	klp_for_each_func(obj, func) {
		old[i].name = func->old_name;
		old[i].pos = func->old_sympos;
		i++;
	}

	ret = klp_symbols_find(obj->mod, old, nr);
	for (i = 0; i < nr && !ret; i++)
		ret = klp_symbol_check(&old[i], patch->mod->name, klp_object_name(obj));
	if (ret)
		return ret;

	i = 0;
	klp_for_each_func(obj, func) {
		ret = klp_func_resolve(patch, klp_object_name(obj), func, &old[i], &new[i]);
		if (ret)
			return ret;
		i++;
	}
	return 0;
}

/**
 * klp_object_resolve() - find everything that an object's entry in a patch refers to
 * @patch: the patch
 * @obj: its entry for an object that is loaded
 * @new: the object's answers of klp_object_measure(); taken over as far as it gets
 *
 * Context: process context, may sleep, takes module_mutex; klp_mutex held.
 * Return: 0, or an error after a message that names patch, object and function; nothing is left
 * behind then.
 */
int klp_object_resolve(struct klp_patch *patch, struct klp_object *obj, struct klp_symbol *new)
{
	unsigned int nr = klp_object_count(obj);
	struct klp_symbol *old = NULL;
	int ret = 0;

	if (obj->name) {
		ret = klp_reloc_apply(patch->mod, obj->name);
		if (ret) {
			obj->mod = NULL;
			return ret;
		}
	}

	if (nr) {
		old = kvcalloc(nr, sizeof(*old), GFP_KERNEL);
		ret = old ? klp_object_resolve_funcs(patch, obj, old, new, nr) : -ENOMEM;
	}
	if (!ret)
		ret = klp_set_check_sites(patch, obj);

	if (old)
		klp_symbols_free(old, nr);
	kvfree(old);
	if (ret)
		klp_object_forget(patch, obj);
	return ret;
}

/**
 * klp_object_forget() - undo klp_object_resolve(); the object is going away
 * @patch: the patch
 * @obj: its entry, not hooked
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_object_forget(struct klp_patch *patch, struct klp_object *obj)
{
	struct klp_func *func;

	if (obj->name)
		klp_reloc_clear(patch->mod, obj->name);

	klp_for_each_func(obj, func)
		klp_func_forget(func);
	obj->mod = NULL;
}

/* A batch with all sites that do not exist yet; NULL when there are none. */
static int klp_object_new_sites(struct klp_patch *patch, const struct klp_object *only,
				struct klp_hook **batch)
{
	struct klp_hook *hook;
	struct klp_object *obj;
	struct klp_func *func;

	*batch = NULL;
	hook = klp_hook_alloc(klp_object_count_all(patch, only));
	if (!hook)
		return -ENOMEM;

	klp_for_each_object(patch, obj) {
		if (!klp_object_concerned(obj, only))
			continue;
		klp_for_each_func(obj, func) {
			if (func->guard || klp_index_find(func->layer->ip))
				continue;
			if (!klp_hook_insert(hook, func->layer->ip)) {
				klp_hook_discard(hook);
				return -ENOMEM;
			}
		}
	}

	if (hook->nr)
		*batch = hook;
	else
		klp_hook_discard(hook);
	return 0;
}

static void klp_object_push(struct klp_object *obj)
{
	struct klp_func *func;

	klp_for_each_func(obj, func) {
		if (func->guard)
			continue;
		klp_site_push(klp_index_find(func->layer->ip), func->layer);
		func->patched = true;
	}
	WRITE_ONCE(obj->patched, true);
}

/* Say which function and object ftrace refuses. */
static void klp_object_blame(struct klp_patch *patch, const struct klp_object *only,
			     unsigned long culprit, int err)
{
	struct klp_object *obj;
	struct klp_func *func;

	klp_for_each_object(patch, obj) {
		if (!klp_object_concerned(obj, only))
			continue;
		klp_for_each_func(obj, func) {
			if (func->guard || func->layer->ip != culprit)
				continue;
			pr_err("failed to register ftrace handler for function '%s' (%d)\n",
			       func->old_name, err);
			pr_warn("failed to patch object '%s'\n", klp_object_name(obj));
			return;
		}
	}
	pr_err("failed to register ftrace handlers of patch '%s' (%d)\n", patch->mod->name, err);
	pr_warn("failed to patch object '%s'\n", only ? klp_object_name(only) : patch->mod->name);
}

/* Is there a way out of every replacement? */
static int klp_object_check_cycles(struct klp_patch *patch, const struct klp_object *only)
{
	struct klp_object *obj;
	int ret;

	klp_for_each_object(patch, obj) {
		ret = klp_object_concerned(obj, only) ? klp_cycle_check(patch, obj) : 0;
		if (ret) {
			pr_warn("failed to patch object '%s'\n", klp_object_name(obj));
			return ret;
		}
	}
	return 0;
}

/* Has ftrace done what it was asked to, for all functions? 0, or an error after messages. */
static int klp_object_check_hooked(struct klp_patch *patch, const struct klp_object *only)
{
	struct klp_object *obj;
	struct klp_func *func;
	int ret;

	klp_for_each_object(patch, obj) {
		if (!klp_object_concerned(obj, only))
			continue;
		klp_for_each_func(obj, func) {
			ret = klp_func_check_hooked(patch, klp_object_name(obj), func);
			if (!ret)
				continue;
			pr_warn("failed to patch object '%s'\n", klp_object_name(obj));
			return ret;
		}
	}
	return 0;
}

static void klp_object_unhook_all(struct klp_patch *patch, const struct klp_object *only)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj) {
		if (klp_object_concerned(obj, only))
			klp_object_unhook(obj);
	}
}

/* Register a batch. 0, or an error after messages. */
static int klp_object_register(struct klp_patch *patch, const struct klp_object *only,
			       struct klp_hook *batch)
{
	unsigned long culprit = 0;
	int ret;

	ret = klp_hook_register(batch, &culprit);
	trace_klp_hook_batch(batch->nr, ret);
	if (ret)
		klp_object_blame(patch, only, culprit, ret);
	return ret;
}

/**
 * klp_object_hook() - let calls of a patch's functions come to the handler
 * @patch: the patch
 * @only: one of its objects, or NULL for all that are loaded
 *
 * Where the calls go does not change by this: klp_site_route() does that.
 *
 * Context: process context, may sleep; klp_mutex held, the objects resolved.
 * Return: 0, or an error after a message that names object and function. No layer is at a site
 * then, and the next klp_hook_sweep() takes the sites back.
 */
int klp_object_hook(struct klp_patch *patch, const struct klp_object *only)
{
	struct klp_hook *batch;
	struct klp_object *obj;
	int ret;

	ret = klp_object_new_sites(patch, only, &batch);
	if (ret) {
		pr_warn("failed to patch object '%s'\n", only ? klp_object_name(only) :
			patch->mod->name);
		return ret;
	}

	klp_for_each_object(patch, obj) {
		if (klp_object_concerned(obj, only))
			klp_object_push(obj);
	}
	ret = klp_object_check_cycles(patch, only);
	if (!ret && batch)
		ret = klp_object_register(patch, only, batch);
	if (ret && batch)
		klp_hook_discard(batch);
	if (!ret)
		ret = klp_object_check_hooked(patch, only);
	if (ret)
		klp_object_unhook_all(patch, only);
	return ret;
}

/**
 * klp_object_route() - bring the destinations of an object's sites up to date, in both worlds
 * @obj: the object, hooked; nothing of it may be running
 *
 * Context: klp_mutex held.
 */
void klp_object_route(struct klp_object *obj)
{
	struct klp_func *func;

	klp_for_each_func(obj, func) {
		if (func->guard)
			continue;
		klp_site_route(func->layer->site, KLP_TRANSITION_UNPATCHED);
		klp_site_route(func->layer->site, KLP_TRANSITION_PATCHED);
	}
}

/**
 * klp_object_unhook() - take an object's layers out of their sites
 * @obj: the object, hooked or not
 *
 * Nobody may depend on the layers for a destination any more.
 *
 * Context: klp_mutex held.
 */
void klp_object_unhook(struct klp_object *obj)
{
	struct klp_func *func;

	klp_for_each_func(obj, func) {
		if (func->layer)
			klp_site_pop(func->layer);
		func->patched = false;
	}
	WRITE_ONCE(obj->patched, false);
}

/**
 * klp_object_drop() - end of an object's entry; frees a dynamic object
 * @obj: the entry
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_object_drop(struct klp_object *obj)
{
	struct klp_func *func, *tmp;

	klp_for_each_func_safe(obj, func, tmp)
		klp_func_drop(func);
	list_del(&obj->node);
	kobject_put(&obj->kobj);
}
