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

static unsigned int klp_object_count(const struct klp_object *obj)
{
	return list_count_nodes((struct list_head *)&obj->func_list);
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
		new[i].addr = func->nop ? 0 : (unsigned long)func->new_func;
		i++;
	}

	ret = klp_symbols_find(obj->mod, old, nr);
	for (i = 0; i < nr && !ret; i++)
		ret = klp_symbol_check(&old[i], patch->mod->name, klp_object_name(obj));
	if (!ret)
		ret = klp_symbols_measure(patch->mod, new, nr);
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
 *
 * Context: process context, may sleep, takes module_mutex; klp_mutex held.
 * Return: 0, or an error after a message that names patch, object and function; nothing is left
 * behind then.
 */
int klp_object_resolve(struct klp_patch *patch, struct klp_object *obj)
{
	unsigned int nr = klp_object_count(obj);
	struct klp_symbol *syms = NULL;
	int ret = 0;

	if (obj->name) {
		ret = klp_reloc_apply(patch->mod, obj->name);
		if (ret) {
			obj->mod = NULL;
			return ret;
		}
	}

	if (nr) {
		syms = kvcalloc(nr, 2 * sizeof(*syms), GFP_KERNEL);
		if (syms)
			ret = klp_object_resolve_funcs(patch, obj, syms, syms + nr, nr);
		else
			ret = -ENOMEM;
	}
	if (!ret)
		ret = klp_set_check_sites(patch, obj);

	if (syms)
		klp_symbols_free(syms, 2 * nr);
	kvfree(syms);
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

static bool klp_object_concerned(const struct klp_object *obj, const struct klp_object *only)
{
	return only ? obj == only : klp_object_loaded(obj);
}

/* A batch with all sites that do not exist yet; NULL when there are none. */
static int klp_object_new_sites(struct klp_patch *patch, const struct klp_object *only,
				struct klp_hook **batch)
{
	struct klp_hook *hook;
	struct klp_object *obj;
	struct klp_func *func;
	unsigned int nr = 0;

	*batch = NULL;
	klp_for_each_object(patch, obj) {
		if (klp_object_concerned(obj, only))
			nr += klp_object_count(obj);
	}

	hook = klp_hook_alloc(nr);
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

/*
 * What the return value of a callback comes to. The module loader takes all but error numbers for
 * success when it comes to that.
 */
int klp_callback_result(int ret)
{
	return !ret || IS_ERR_VALUE((long)ret) ? ret : -EINVAL;
}

/**
 * klp_object_pre_patch() - ask the patch before its object gets patched
 * @patch: the patch
 * @obj: the object
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or the error that the callback returns, after a message; -EINVAL when what it returns
 * is neither.
 */
int klp_object_pre_patch(struct klp_patch *patch, struct klp_object *obj)
{
	int said = obj->callbacks.pre_patch ? obj->callbacks.pre_patch(obj) : 0;
	int ret = klp_callback_result(said);

	if (ret != said)
		pr_err("patch '%s': pre_patch of object '%s' returned %d, which is no error number\n",
		       patch->mod->name, klp_object_name(obj), said);
	if (ret)
		pr_warn("pre-patch callback failed for object '%s'\n", klp_object_name(obj));
	obj->callbacks.post_unpatch_enabled = !ret;
	return ret;
}

/* Everybody uses the new functions of @obj. klp_mutex; sleeps. */
void klp_object_post_patch(struct klp_object *obj)
{
	if (obj->callbacks.post_patch)
		obj->callbacks.post_patch(obj);
}

/* Tasks are about to leave the new functions of @obj. klp_mutex; sleeps. */
void klp_object_pre_unpatch(struct klp_object *obj)
{
	if (obj->callbacks.pre_unpatch)
		obj->callbacks.pre_unpatch(obj);
}

/* Is there a post_unpatch to call? klp_mutex. */
bool klp_object_takes_down(const struct klp_object *obj)
{
	return obj->callbacks.post_unpatch_enabled && obj->callbacks.post_unpatch;
}

/* Nobody uses the new functions of @obj; owed once for each pre_patch. klp_mutex; sleeps. */
void klp_object_post_unpatch(struct klp_object *obj)
{
	if (klp_object_takes_down(obj))
		obj->callbacks.post_unpatch(obj);
	obj->callbacks.post_unpatch_enabled = false;
}
