// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which changes outside the code do patches make, and do they get along?
 *
 * A patch lists what it changes as system states with a version. The core only compares the
 * lists; what to do about a state is for the patch's callbacks, which find out here whether an
 * earlier patch has done it already.
 */
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

static bool klp_state_follows(struct klp_patch *patch, const struct klp_state *installed)
{
	const struct klp_state *state = klp_get_state(patch, installed->id);

	/* Who replaces a patch must know what to do about all of its states. */
	if (!state)
		return !patch->replace;
	return state->version >= installed->version;
}

/**
 * klp_state_compatible() - can a patch deal with the states that are installed?
 * @patch: a patch that is not enabled yet
 *
 * Context: klp_mutex held.
 * Return: false when it lists a state at a lower version than an enabled patch does, or replaces
 * the enabled patches and misses one of their states.
 */
bool klp_state_compatible(struct klp_patch *patch)
{
	const struct klp_state *state;
	struct klp_patch *old;

	list_for_each_entry(old, &klp_patches, list) {
		for (state = old->states; state && state->id; state++) {
			if (!klp_state_follows(patch, state))
				return false;
		}
	}
	return true;
}
