// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is what the author of a patch wrote complete and free of contradictions?
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/xarray.h>
#include "internal.h"

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
	if (func->guard && func->new_func) {
		pr_err("patch '%s': guard '%s' in object '%s' has a replacement\n", who,
		       func->old_name, where);
		return -EINVAL;
	}
	if (!func->guard && !func->new_func) {
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
	klp_xa_empty(&index);
	return ret;
}

/* Without rows for its states, a patch is judged by the rules of old. */
static int klp_states_check(const struct klp_patch *patch)
{
	const struct klp_state *state, *other;

	for (state = patch->states; state && memchr_inv(state, 0, sizeof(*state)); state++) {
		if (!state->id) {
			pr_err("patch '%s': system state %td has no id\n", patch->mod->name,
			       state - patch->states);
			return -EINVAL;
		}
		for (other = patch->states; other != state; other++) {
			if (other->id != state->id)
				continue;
			pr_err("patch '%s': state %lu is listed twice\n", patch->mod->name,
			       state->id);
			return -EINVAL;
		}
	}
	return 0;
}

static int klp_state_ops_check(struct klp_patch *patch, const struct klp_state_ops *ops)
{
	const char *who = patch->mod->name;
	const struct klp_state_ops *other;

	if (!ops->id) {
		pr_err("patch '%s': entry %td of state_ops has no id\n", who,
		       ops - patch->state_ops);
		return -EINVAL;
	}
	if (!klp_get_state(patch, ops->id)) {
		pr_err("patch '%s': state_ops for state %lu, which the patch does not list\n", who,
		       ops->id);
		return -EINVAL;
	}
	for (other = patch->state_ops; other != ops; other++) {
		if (other->id == ops->id) {
			pr_err("patch '%s': state_ops for state %lu occur twice\n", who, ops->id);
			return -EINVAL;
		}
		if (ops->shadow && other->shadow && ops->shadow->id == other->shadow->id) {
			pr_err("patch '%s': shadow type %lx belongs to states %lu and %lu\n", who,
			       ops->shadow->id, other->id, ops->id);
			return -EINVAL;
		}
	}
	return 0;
}

static int klp_patch_check_states(struct klp_patch *patch)
{
	const struct klp_state_ops *ops;
	int ret;

	if (!patch->state_ops)
		return 0;

	ret = klp_states_check(patch);
	for (ops = patch->state_ops; !ret && memchr_inv(ops, 0, sizeof(*ops)); ops++)
		ret = klp_state_ops_check(patch, ops);
	return ret;
}

/**
 * klp_patch_check() - is what the author wrote complete and free of contradictions?
 * @patch: the patch as it came from the module
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL after a message that names what is wrong, or -ENOMEM.
 */
int klp_patch_check(struct klp_patch *patch)
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
	if (patch->supersedes && !patch->replace) {
		pr_err("patch '%s': supersedes other sets without replacing its own\n",
		       patch->mod->name);
		return -EINVAL;
	}

	klp_for_each_object_static(patch, obj) {
		ret = klp_object_check(patch, obj);
		if (ret)
			return ret;
	}
	return klp_patch_check_states(patch);
}
