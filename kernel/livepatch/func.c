// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What does the core know about one function of a patch, and for how long?
 *
 * While the object is loaded: the address, the code of the original and that of the replacement,
 * and where ftrace can get hold of calls. A function is one of three kinds:
 *
 *	replaced   has a replacement, and a layer at a site once it is hooked
 *	nop	   the same without a replacement: calls go to the original
 *	guard	   is watched on stacks and nothing else; it never gets to a site, and ftrace need
 *		   not be able to reach it
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include "internal.h"

/* Set up the core's part of a function and add it to an object. */
void klp_func_init(struct klp_object *obj, struct klp_func *func)
{
	func->old_func = NULL;
	func->layer = NULL;
	func->patched = false;
	list_add_tail(&func->node, &obj->func_list);
}

/* Can calls of a function be made to come to its site? 0, or an error after a message. */
static int klp_func_check_place(const struct klp_patch *patch, const char *objname,
				const struct klp_func *func, unsigned long ip)
{
	if (func->guard)
		return 0;
	if (klp_hook_dead()) {
		pr_err("patch '%s': function '%s' in object '%s' cannot be patched, ftrace has switched itself off\n",
		       patch->mod->name, func->old_name, objname);
		return -ENODEV;
	}
	if (!ip) {
		pr_err("patch '%s': function '%s,%lu' in object '%s' cannot be reached by ftrace\n",
		       patch->mod->name, func->old_name, func->old_sympos ?: 1, objname);
		return -EINVAL;
	}
	return 0;
}

/**
 * klp_func_resolve() - keep what the symbol tables say about a function
 * @patch: whose it is
 * @objname: name of the object, for messages
 * @func: the function
 * @old: answer about the original
 * @new: answer about the replacement, without code for a nop or a guard
 *
 * Takes over the code in both symbols.
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0; -ENOENT, -EINVAL or -ENODEV after a message; -ENOMEM.
 */
int klp_func_resolve(struct klp_patch *patch, const char *objname, struct klp_func *func,
		     struct klp_symbol *old, struct klp_symbol *new)
{
	const struct klp_range *body;
	struct klp_layer *layer;
	int ret;

	if (new->code && !new->code->part[0].end) {
		pr_err("patch '%s': replacement of '%s' in object '%s' is not a function\n",
		       patch->mod->name, func->old_name, objname);
		return -ENOENT;
	}
	/* Without code: a per-CPU variable may have the address 0. */
	body = old->code ? &old->code->part[0] : NULL;
	if (!body || !body->end) {
		pr_err("patch '%s': '%s' in object '%s' has no size\n", patch->mod->name,
		       func->old_name, objname);
		return -ENOENT;
	}

	if (new->code && new->addr - body->start < body->end - body->start) {
		pr_err("patch '%s': replacement of '%s' in object '%s' is the function itself\n",
		       patch->mod->name, func->old_name, objname);
		return -EINVAL;
	}

	layer = kzalloc(sizeof(*layer), GFP_KERNEL);
	if (!layer)
		return -ENOMEM;

	layer->ip = klp_place_find(body);
	ret = klp_func_check_place(patch, objname, func, layer->ip);
	if (ret) {
		kfree(layer);
		return ret;
	}

	layer->patch = patch;
	layer->func = func;
	layer->orig = no_free_ptr(old->code);
	layer->code = no_free_ptr(new->code);

	func->layer = layer;
	func->old_func = (void *)body->start;
	func->old_size = body->end - body->start;
	if (func->nop)
		func->new_func = func->old_func;
	func->new_size = layer->code ? layer->code->part[0].end - layer->code->part[0].start :
				       func->old_size;
	return 0;
}

/**
 * klp_func_check_hooked() - do calls of a function really come to its site?
 * @patch: whose it is
 * @objname: name of the object, for messages
 * @func: the function, at a site that ftrace has accepted, now or long ago
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0; after a message -EINVAL when they go past it, -ENODEV when ftrace is dead.
 */
int klp_func_check_hooked(const struct klp_patch *patch, const char *objname,
			  const struct klp_func *func)
{
	if (func->guard || klp_hook_holds(func->layer->site))
		return 0;
	if (klp_hook_dead())
		return klp_func_check_place(patch, objname, func, func->layer->ip);
	pr_err("patch '%s': ftrace does not divert function '%s' in object '%s'\n",
	       patch->mod->name, func->old_name, objname);
	return -EINVAL;
}

static void klp_layer_free(struct klp_layer *layer)
{
	if (!layer)
		return;
	klp_site_pop(layer);
	kfree(layer->orig);
	kfree(layer->code);
	kfree(layer);
}

/* Undo klp_func_resolve(), if it was done; the object is going away. klp_mutex; sleeps. */
void klp_func_forget(struct klp_func *func)
{
	klp_layer_free(func->layer);
	func->layer = NULL;
	func->old_func = NULL;
	if (func->nop)
		func->new_func = NULL;
}

/**
 * klp_func_drop() - end of a function's entry; frees a nop
 * @func: the entry
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_func_drop(struct klp_func *func)
{
	klp_layer_free(func->layer);
	func->layer = NULL;
	list_del(&func->node);
	kobject_put(&func->kobj);
}
