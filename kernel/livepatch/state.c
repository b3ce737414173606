// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which changes outside the code do patches make, and do they get along?
 *
 * A patch lists what it changes as system states with a version. Without more the core only
 * compares the lists, and what to do about a state is for the patch's callbacks, which find out
 * here whether an earlier patch has done it already. A state with a row in klp_patch.state_ops can
 * do more: the patch that has it can be replaced by one that does not know it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include "internal.h"

/**
 * klp_get_state() - find a system state in a patch
 * @patch: the patch
 * @id: which state
 *
 * Context: any; for callbacks, and for code of the patch itself.
 * Return: the patch's own entry for @id, or NULL when it does not list it.
 */
struct klp_state *klp_get_state(struct klp_patch *patch, unsigned long id)
{
	struct klp_state *state;

	for (state = patch->states; state && state->id; state++) {
		if (state->id == id)
			return state;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(klp_get_state);

/**
 * klp_get_prev_state() - find out who has made a change before the patch in transition
 * @id: which state
 *
 * Context: callbacks, during a transition, with klp_mutex held by the core.
 * Return: the entry of the newest patch that is older than the one in transition and lists @id,
 * or NULL when there is none.
 */
struct klp_state *klp_get_prev_state(unsigned long id)
{
	struct klp_state *state, *newest = NULL;
	struct klp_patch *patch;

	if (WARN_ON_ONCE(!klp_transition_patch))
		return NULL;

	list_for_each_entry(patch, &klp_patches, list) {
		if (patch == klp_transition_patch)
			break;
		state = klp_get_state(patch, id);
		if (state)
			newest = state;
	}
	return newest;
}
EXPORT_SYMBOL_GPL(klp_get_prev_state);

/**
 * klp_state_ops_of() - find out what has to be done about a state
 * @patch: the patch
 * @id: which state
 *
 * Context: any, as long as the patch's module is there.
 * Return: the patch's row for @id, or NULL when it has none.
 */
const struct klp_state_ops *klp_state_ops_of(const struct klp_patch *patch, unsigned long id)
{
	const struct klp_state_ops *ops;

	for (ops = patch->state_ops; ops && ops->id; ops++) {
		if (ops->id == id)
			return ops;
	}
	return NULL;
}

/**
 * klp_state_holder() - find out who has a state in a world
 * @id: which state
 * @world: 0 or 1
 *
 * Context: klp_mutex held.
 * Return: the newest patch that is present in @world and lists @id, or NULL when there is none.
 */
struct klp_patch *klp_state_holder(unsigned long id, int world)
{
	struct klp_patch *patch;

	list_for_each_entry_reverse(patch, &klp_patches, list) {
		if (klp_world_has(patch, world) && klp_get_state(patch, id))
			return patch;
	}
	return NULL;
}

/**
 * klp_state_blocking() - look for a state that cannot be undone
 * @patch: the patch
 *
 * Context: any, as long as the patch's module is there.
 * Return: the first row with block_disable set, or NULL when the patch can be disabled.
 */
const struct klp_state_ops *klp_state_blocking(const struct klp_patch *patch)
{
	const struct klp_state_ops *ops;

	for (ops = patch->state_ops; ops && ops->id; ops++) {
		if (ops->block_disable)
			return ops;
	}
	return NULL;
}

/* Does @patch know what to do about a state of @old, an enabled patch? */
static bool klp_state_follows(struct klp_patch *patch, const struct klp_patch *old,
			      const struct klp_state *installed)
{
	const struct klp_state *state = klp_get_state(patch, installed->id);
	const struct klp_state_ops *ops;

	/* Two sets have no state in common: see set.c. */
	if (klp_world_beside(patch, old))
		return true;
	if (state)
		return state->version >= installed->version;
	if (!klp_world_replaces(patch, old))
		return true;

	/* It goes. Either its patch undoes it, or who comes must know it. */
	ops = klp_state_ops_of(old, installed->id);
	if (!ops)
		return false;
	if (ops->block_disable) {
		pr_err("patch '%s' lacks state %lu, which patch '%s' cannot undo\n",
		       patch->mod->name, ops->id, old->mod->name);
		return false;
	}
	return true;
}

/* Shadow variables of a type live and die with one state, whoever has it. */
static bool klp_state_shadow_free(const struct klp_patch *patch, const struct klp_patch *old)
{
	const struct klp_state_ops *ops, *other;

	for (ops = patch->state_ops; ops && ops->id; ops++) {
		for (other = old->state_ops; ops->shadow && other && other->id; other++) {
			if (!other->shadow || other->shadow->id != ops->shadow->id ||
			    other->id == ops->id)
				continue;
			pr_err("patch '%s': shadow type %lx of state %lu belongs to state %lu of patch '%s'\n",
			       patch->mod->name, ops->shadow->id, ops->id, other->id,
			       old->mod->name);
			return false;
		}
	}
	return true;
}

/**
 * klp_state_compatible() - can a patch deal with the states that are installed?
 * @patch: a patch that is not enabled yet
 *
 * Context: klp_mutex held.
 * Return: false when it lists a state at a lower version than an enabled patch does; when it
 * replaces an enabled patch and misses one of its states that this one does not undo itself;
 * when it ties a shadow type to another state than an enabled patch does.
 */
bool klp_state_compatible(struct klp_patch *patch)
{
	const struct klp_state *state;
	struct klp_patch *old;

	list_for_each_entry(old, &klp_patches, list) {
		for (state = old->states; state && state->id; state++) {
			if (!klp_state_follows(patch, old, state))
				return false;
		}
		if (!klp_state_shadow_free(patch, old))
			return false;
	}
	return true;
}
