// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * May this patch come in, what does it need for that, and how is it switched on and off?
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/string.h>
#include "internal.h"

/* Patches that are told once each that they have to wait; what comes beyond is told each time. */
#define KLP_TOLD_MAX 8

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
			func->hidden = false;
			klp_func_init(obj, func);
		}
	}
}

/**
 * struct klp_told - who has been told to wait for a transition; klp_mutex
 * @transition: its number
 * @nr: how many patches
 * @patch: their names
 */
static struct klp_told {
	unsigned long transition;
	unsigned int nr;
	char patch[KLP_TOLD_MAX][MODULE_NAME_LEN];
} klp_told;

/* Is it news to whoever loads @patch that there is a transition? Some try again and again. */
static bool klp_patch_tell_busy(const struct klp_patch *patch)
{
	unsigned int i;

	if (klp_told.transition != klp_transition_number())
		klp_told.nr = 0;
	klp_told.transition = klp_transition_number();

	for (i = 0; i < klp_told.nr; i++) {
		if (!strcmp(klp_told.patch[i], patch->mod->name))
			return false;
	}
	if (klp_told.nr < KLP_TOLD_MAX)
		strscpy(klp_told.patch[klp_told.nr++], patch->mod->name);
	return true;
}

/**
 * klp_patch_admit() - let a patch into the list of patches
 * @patch: a patch after klp_patch_init()
 *
 * It is present in no world yet.
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0; -EBUSY while another patch is in transition; -EINVAL when its system states do not
 * go with those that are installed, or when it shares something with a patch of another set;
 * -ENOMEM. After an error it is in no list.
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
		if (klp_patch_tell_busy(patch))
			pr_err("patch '%s' has to wait for the transition of '%s'\n",
			       patch->mod->name, klp_transition_patch->mod->name);
		return -EBUSY;
	}

	ret = klp_set_check(patch);
	if (ret)
		return ret;

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
	struct klp_symbol *new, *of_object;
	struct klp_object *obj;
	unsigned int nr;
	int ret = 0;

	klp_for_each_object(patch, obj) {
		if (obj->name)
			obj->mod = klp_object_module(obj);
	}
	new = klp_object_measure(patch, NULL, &nr);
	if (!new)
		return -ENOMEM;

	of_object = new;
	klp_for_each_object(patch, obj) {
		if (ret || !klp_object_loaded(obj))
			continue;
		ret = klp_object_resolve(patch, obj, of_object);
		of_object += klp_object_count(obj);
	}
	klp_object_measured(new, nr);
	return ret;
}

static int klp_patch_set_up(struct klp_patch *patch)
{
	struct klp_forbidden forbidden;
	struct klp_object *obj;
	int ret;

	ret = klp_handover_plan(KLP_TRANSITION_PATCHED);
	if (ret)
		return ret;

	klp_for_each_object(patch, obj) {
		if (!klp_object_loaded(obj))
			continue;
		ret = klp_object_pre_patch(patch, obj);
		if (ret)
			return ret;
	}

	ret = klp_handover_announce();
	if (ret)
		return ret;

	ret = klp_object_hook(patch, NULL);
	if (ret)
		return ret;

	ret = klp_forbidden_collect(KLP_TRANSITION_PATCHED, &forbidden);
	if (ret)
		return ret;
	klp_transition_begin(&forbidden);
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
 * klp_patch_leave() - start to bring all tasks into the world without a patch, whatever it says
 * @patch: an enabled patch
 *
 * Context: process context, may sleep; klp_mutex held, no transition going on.
 * Return: 0 when the transition has begun, or -ENOMEM, upon which everything is as before.
 */
int klp_patch_leave(struct klp_patch *patch)
{
	struct klp_forbidden forbidden;
	struct klp_object *obj;
	int ret;

	klp_world_disable(patch);
	ret = klp_forbidden_collect(KLP_TRANSITION_UNPATCHED, &forbidden);
	if (ret)
		goto stay;
	ret = klp_handover_plan(KLP_TRANSITION_UNPATCHED);
	if (ret)
		goto free;

	klp_transition_open(patch, KLP_TRANSITION_UNPATCHED);
	klp_handover_announce();

	klp_for_each_object(patch, obj) {
		if (klp_object_loaded(obj))
			klp_object_pre_unpatch(obj);
	}

	klp_transition_begin(&forbidden);
	return 0;

free:
	klp_forbidden_free(&forbidden);
stay:
	klp_world_settle(patch, KLP_TRANSITION_PATCHED);
	return ret;
}

/**
 * klp_patch_disable() - start to bring all tasks into the world without a patch, if it can go
 * @patch: an enabled patch
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 when the transition has begun; -EBUSY while another one is going on; -EPERM when a
 * state of the patch cannot be undone; -ENOMEM. After an error everything is as before.
 */
int klp_patch_disable(struct klp_patch *patch)
{
	const struct klp_state_ops *blocking = klp_state_blocking(patch);

	if (klp_transition_patch)
		return -EBUSY;

	if (blocking) {
		pr_err("patch '%s' cannot be disabled: it cannot undo state %lu\n",
		       patch->mod->name, blocking->id);
		return -EPERM;
	}
	return klp_patch_leave(patch);
}
