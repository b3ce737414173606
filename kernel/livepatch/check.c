// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is what the author of a patch wrote complete and free of contradictions?
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include "internal.h"

/* Empty is what the loops over these arrays end at. */
static const struct klp_shape klp_shape_objs = {
	sizeof(struct klp_object), offsetofend(struct klp_object, funcs)
};

static const struct klp_shape klp_shape_funcs = {
	sizeof(struct klp_func), offsetofend(struct klp_func, old_sympos)
};

static const struct klp_shape klp_shape_sets = { sizeof(unsigned int), sizeof(unsigned int) };

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
	/* sysfs would show it as another one. */
	if (strchr(func->old_name, '/')) {
		pr_err("patch '%s': no function is called '%s', as one in object '%s' is\n", who,
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
	return klp_memory_check_data(patch, func->old_name, KLP_READ,
				     "name of function '%s' in object '%s'", func->old_name,
				     where) ?:
	       klp_memory_check_code(patch, func->new_func, "replacement of '%s' in object '%s'",
				     func->old_name, where);
}

static int klp_object_check_funcs(const struct klp_patch *patch, const struct klp_object *obj,
				  struct xarray *index)
{
	const char *where = klp_object_name(obj);
	struct klp_func *func;
	int ret;

	ret = klp_memory_check_data(patch, obj->funcs, KLP_WRITTEN,
				    "array of functions of object '%s'", where) ?:
	      klp_memory_check_end(patch, obj->funcs, klp_shape_funcs,
				   "array of functions of object '%s'", where);
	if (ret)
		return ret;

	klp_for_each_func_static(obj, func) {
		ret = klp_func_check(patch, obj, func, func - obj->funcs);
		if (ret)
			return ret;
		ret = klp_func_index(index, func);
		if (ret == -EEXIST) {
			pr_err("patch '%s': function '%s' occurs twice in object '%s'\n",
			       patch->mod->name, func->old_name, where);
			return -EINVAL;
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int klp_object_check_callbacks(const struct klp_patch *patch, const struct klp_object *obj)
{
	const struct klp_callbacks *all = &obj->callbacks;
	const struct {
		const char *name;
		const void *code;
	} callbacks[] = {
		{ "pre_patch",		all->pre_patch },
		{ "post_patch",		all->post_patch },
		{ "pre_unpatch",	all->pre_unpatch },
		{ "post_unpatch",	all->post_unpatch },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(callbacks) && !ret; i++)
		ret = klp_memory_check_code(patch, callbacks[i].code, "%s of object '%s'",
					    callbacks[i].name, klp_object_name(obj));
	return ret;
}

/* Can it be what a module is called? kbuild makes the names from those of the files. */
static bool klp_object_name_fits(const char *name)
{
	size_t len = strlen(name);

	return !strpbrk(name, "-,/") && (len < 3 || strcmp(name + len - 3, ".ko"));
}

static int klp_object_check_name(const struct klp_patch *patch, const struct klp_object *obj)
{
	const char *who = patch->mod->name;
	int ret;

	ret = klp_memory_check_data(patch, obj->name, KLP_READ, "name of object '%.*s'",
				    (int)MODULE_NAME_LEN, klp_object_name(obj));
	if (ret || !obj->name)
		return ret;

	if (!*obj->name) {
		pr_err("patch '%s': object %td has an empty name\n", who, obj - patch->objs);
		return -EINVAL;
	}
	if (!strcmp(obj->name, "vmlinux")) {
		pr_err("patch '%s': object 'vmlinux' must have no name, it is not a module\n", who);
		return -EINVAL;
	}
	if (strnlen(obj->name, MODULE_NAME_LEN) == MODULE_NAME_LEN) {
		pr_err("patch '%s': name of object '%.32s...' is too long\n", who, obj->name);
		return -EINVAL;
	}
	if (!klp_object_name_fits(obj->name)) {
		pr_err("patch '%s': no module is called '%s': use the name in /proc/modules, with '_' for '-' and without '.ko'\n",
		       who, obj->name);
		return -EINVAL;
	}
	return 0;
}

static int klp_object_check(const struct klp_patch *patch, const struct klp_object *obj)
{
	const char *who = patch->mod->name;
	const struct klp_object *other;
	struct xarray index;
	int ret;

	ret = klp_object_check_name(patch, obj);
	if (ret)
		return ret;
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

	ret = klp_object_check_callbacks(patch, obj);
	if (ret)
		return ret;

	xa_init(&index);
	ret = klp_object_check_funcs(patch, obj, &index);
	klp_xa_empty(&index);
	return ret;
}

/* The patch itself, and what it points to directly. */
static int klp_patch_check_memory(const struct klp_patch *patch)
{
	return klp_memory_check_data(patch, patch, KLP_WRITTEN, "struct klp_patch") ?:
	       klp_memory_check_data(patch, patch->objs, KLP_WRITTEN, "array of objects") ?:
	       klp_memory_check_end(patch, patch->objs, klp_shape_objs, "array of objects") ?:
	       klp_memory_check_data(patch, patch->supersedes, KLP_READ, "supersedes") ?:
	       klp_memory_check_end(patch, patch->supersedes, klp_shape_sets, "supersedes");
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

	ret = klp_patch_check_memory(patch);
	if (ret)
		return ret;

	klp_for_each_object_static(patch, obj) {
		ret = klp_object_check(patch, obj);
		if (ret)
			return ret;
	}
	return klp_patch_check_states(patch);
}
