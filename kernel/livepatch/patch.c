// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * May this patch come in, what does it need for that, and how is it switched on and off?
 *
 * Admission ends with the patch in the list. A patch that replaces others gets an entry, a nop,
 * for each function that only they replace, so that every function has a defined destination in
 * the world with the patch, and every change is visible in sysfs while it is under way.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
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

/* -EEXIST when the function is there already. */
static int klp_func_index(struct xarray *index, struct klp_func *func)
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

static bool klp_object_same(const struct klp_object *a, const struct klp_object *b)
{
	return !strcmp(klp_object_name(a), klp_object_name(b));
}

static int klp_func_check(const struct klp_patch *patch, const struct klp_object *obj,
			  const struct klp_func *func, unsigned int nr)
{
	const char *who = patch->mod->name, *where = klp_object_name(obj);

	if (!func->old_name || !*func->old_name) {
		pr_err("patch '%s': function %u in object '%s' has no name\n", who, nr, where);
		return -EINVAL;
	}
	if (strnlen(func->old_name, KSYM_NAME_LEN) == KSYM_NAME_LEN) {
		pr_err("patch '%s': name of function '%.32s...' in object '%s' is too long\n", who,
		       func->old_name, where);
		return -EINVAL;
	}
	if (!func->new_func) {
		pr_err("patch '%s': function '%s' in object '%s' has no replacement\n", who,
		       func->old_name, where);
		return -EINVAL;
	}
	return 0;
}

static int klp_object_check_funcs(const struct klp_patch *patch, const struct klp_object *obj,
				  struct xarray *index)
{
	struct klp_func *func;
	int ret;

	klp_for_each_func_static(obj, func) {
		ret = klp_func_check(patch, obj, func, func - obj->funcs);
		if (ret)
			return ret;
		ret = klp_func_index(index, func);
		if (ret == -EEXIST) {
			pr_err("patch '%s': function '%s' occurs twice in object '%s'\n",
			       patch->mod->name, func->old_name, klp_object_name(obj));
			return -EINVAL;
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int klp_object_check(const struct klp_patch *patch, const struct klp_object *obj)
{
	const char *who = patch->mod->name;
	const struct klp_object *other;
	struct xarray index;
	int ret;

	if (obj->name && !*obj->name) {
		pr_err("patch '%s': object %td has an empty name\n", who, obj - patch->objs);
		return -EINVAL;
	}
	if (obj->name && !strcmp(obj->name, "vmlinux")) {
		pr_err("patch '%s': object 'vmlinux' must have no name, it is not a module\n", who);
		return -EINVAL;
	}
	if (obj->name && strnlen(obj->name, MODULE_NAME_LEN) == MODULE_NAME_LEN) {
		pr_err("patch '%s': name of object '%.32s...' is too long\n", who, obj->name);
		return -EINVAL;
	}
	if (!obj->funcs) {
		pr_err("patch '%s': object '%s' has no functions\n", who, klp_object_name(obj));
		return -EINVAL;
	}
	for (other = patch->objs; other != obj; other++) {
		if (klp_object_same(other, obj)) {
			pr_err("patch '%s': object '%s' occurs twice\n", who, klp_object_name(obj));
			return -EINVAL;
		}
	}

	xa_init(&index);
	ret = klp_object_check_funcs(patch, obj, &index);
	xa_destroy(&index);
	return ret;
}

/**
 * klp_patch_check() - is what the author wrote complete and free of contradictions?
 * @patch: the patch as it came from the module
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL after a message that names what is wrong, or -ENOMEM.
 */
int klp_patch_check(const struct klp_patch *patch)
{
	struct klp_object *obj;
	int ret;

	if (!patch || !patch->mod) {
		pr_err("klp_enable_patch() was called without a %s\n", patch ? "module" : "patch");
		return -EINVAL;
	}
	if (!patch->objs) {
		pr_err("patch '%s': no objects\n", patch->mod->name);
		return -EINVAL;
	}
	if (!is_livepatch_module(patch->mod)) {
		pr_err("module %s is not marked as a livepatch module\n", patch->mod->name);
		return -EINVAL;
	}

	klp_for_each_object_static(patch, obj) {
		ret = klp_object_check(patch, obj);
		if (ret)
			return ret;
	}
	return 0;
}

static void klp_object_init(struct klp_patch *patch, struct klp_object *obj)
{
	INIT_LIST_HEAD(&obj->func_list);
	obj->mod = NULL;
	obj->patched = false;
	list_add_tail(&obj->node, &patch->obj_list);
}

static void klp_func_init(struct klp_object *obj, struct klp_func *func)
{
	func->old_func = NULL;
	func->layer = NULL;
	func->patched = false;
	list_add_tail(&func->node, &obj->func_list);
}

/**
 * klp_patch_init() - set up the core's part of a patch
 * @patch: a patch that has been checked and is in no list
 *
 * Context: any.
 */
void klp_patch_init(struct klp_patch *patch)
{
	struct klp_object *obj;
	struct klp_func *func;

	INIT_LIST_HEAD(&patch->list);
	INIT_LIST_HEAD(&patch->obj_list);
	init_completion(&patch->finish);
	patch->enabled = false;
	patch->forced = false;
	patch->worlds = KLP_NOWHERE;

	klp_for_each_object_static(patch, obj) {
		obj->dynamic = false;
		klp_object_init(patch, obj);
		klp_for_each_func_static(obj, func) {
			func->nop = false;
			klp_func_init(obj, func);
		}
	}
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

static int klp_patch_add_nops(struct klp_patch *patch)
{
	struct klp_object *obj, *old_obj;
	struct klp_patch *old;
	int ret;

	list_for_each_entry(old, &klp_patches, list) {
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

/* Free what klp_patch_add_nops() has allocated, while sysfs does not know of it. */
static void klp_patch_free_nops(struct klp_patch *patch)
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

/**
 * klp_patch_admit() - let a patch into the list of patches
 * @patch: a patch after klp_patch_init()
 *
 * It is present in no world yet.
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0; -EBUSY while another patch is in transition; -EINVAL when its system states do not
 * go with those that are installed; -ENOMEM. After an error it is in no list.
 */
int klp_patch_admit(struct klp_patch *patch)
{
	int ret;

	if (!klp_state_compatible(patch)) {
		pr_err("Livepatch patch (%s) is not compatible with the already installed livepatches.\n",
		       patch->mod->name);
		return -EINVAL;
	}

	if (klp_transition_patch) {
		pr_err("patch '%s' has to wait for the transition of '%s'\n", patch->mod->name,
		       klp_transition_patch->mod->name);
		return -EBUSY;
	}

	if (patch->replace) {
		ret = klp_patch_add_nops(patch);
		if (ret) {
			pr_err("patch '%s': no memory for the functions that it reverts\n",
			       patch->mod->name);
			klp_patch_free_nops(patch);
			return ret;
		}
	}

	list_add_tail(&patch->list, &klp_patches);
	return 0;
}

/**
 * klp_patch_discard() - end of a patch that has not been enabled
 * @patch: an admitted patch that sysfs knows of
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_patch_discard(struct klp_patch *patch)
{
	struct klp_object *obj, *tmp;

	klp_for_each_object_safe(patch, obj, tmp)
		klp_object_drop(obj);
	list_del_init(&patch->list);
}

/* The module that an object's name stands for, if it may be patched now. */
static struct module *klp_object_module(const struct klp_object *obj)
{
	struct module *mod;

	/* No reference: klp_module_going() has to get klp_mutex before the module can go. */
	rcu_read_lock_sched();
	mod = find_module(obj->name);
	rcu_read_unlock_sched();

	/* Before klp_module_coming() and after klp_module_going() it is not ours to touch. */
	return mod && mod->klp_alive ? mod : NULL;
}

static int klp_patch_resolve(struct klp_patch *patch)
{
	struct klp_object *obj;
	int ret;

	klp_for_each_object(patch, obj) {
		if (obj->name)
			obj->mod = klp_object_module(obj);
		if (!klp_object_loaded(obj))
			continue;
		ret = klp_object_resolve(patch, obj);
		if (ret)
			return ret;
	}
	return 0;
}

static int klp_patch_set_up(struct klp_patch *patch)
{
	struct klp_ranges *forbidden;
	struct klp_object *obj;
	int ret;

	klp_for_each_object(patch, obj) {
		if (!klp_object_loaded(obj))
			continue;
		ret = klp_object_pre_patch(obj);
		if (ret)
			return ret;
	}

	ret = klp_object_hook(patch, NULL);
	if (ret)
		return ret;

	forbidden = klp_transition_ranges(KLP_TRANSITION_PATCHED);
	if (!forbidden)
		return -ENOMEM;
	klp_transition_begin(forbidden);
	return 0;
}

/**
 * klp_patch_enable() - start to bring all tasks into the world with a patch
 * @patch: an admitted patch that sysfs knows of
 *
 * Context: process context, may sleep; klp_mutex held, no transition going on.
 * Return: 0 when the transition has begun. After an error the patch is in no list, and nothing
 * of it is in effect.
 */
int klp_patch_enable(struct klp_patch *patch)
{
	int ret;

	ret = klp_patch_resolve(patch);
	if (ret) {
		klp_patch_discard(patch);
		return ret;
	}

	pr_notice("enabling patch '%s'\n", patch->mod->name);

	klp_world_enable(patch);
	klp_transition_open(patch, KLP_TRANSITION_PATCHED);
	ret = klp_patch_set_up(patch);
	if (!ret)
		return 0;

	pr_warn("failed to enable patch '%s'\n", patch->mod->name);
	klp_transition_cancel();
	/* We put it away ourselves, its module is about to go. */
	list_del_init(&patch->list);
	return ret;
}

/**
 * klp_patch_disable() - start to bring all tasks into the world without a patch
 * @patch: an enabled patch
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 when the transition has begun; -EBUSY while another one is going on; -ENOMEM, upon
 * which everything is as before.
 */
int klp_patch_disable(struct klp_patch *patch)
{
	struct klp_ranges *forbidden;
	struct klp_object *obj;

	if (klp_transition_patch)
		return -EBUSY;

	klp_world_disable(patch);
	forbidden = klp_transition_ranges(KLP_TRANSITION_UNPATCHED);
	if (!forbidden) {
		klp_world_settle(patch, KLP_TRANSITION_PATCHED);
		return -ENOMEM;
	}

	klp_transition_open(patch, KLP_TRANSITION_UNPATCHED);

	klp_for_each_object(patch, obj) {
		if (klp_object_loaded(obj))
			klp_object_pre_unpatch(obj);
	}

	klp_transition_begin(forbidden);
	return 0;
}
