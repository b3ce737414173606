// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do the tables of a patch that are about system states go together?
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/string.h>
#include "internal.h"

/* Empty is what the loops over these arrays end at. */
static const struct klp_shape klp_shape_states = {
	sizeof(struct klp_state), sizeof_field(struct klp_state, id)
};

static const struct klp_shape klp_shape_state_ops = {
	sizeof(struct klp_state_ops), sizeof_field(struct klp_state_ops, id)
};

/*
 * The loops end at an entry without an id. When it is not empty, an id has been forgotten; but
 * where the array was allocated, the rest of the last entry may be anything.
 */
static bool klp_states_end(const struct klp_patch *patch, const struct klp_state *state)
{
	if (state->id)
		return false;
	return !within_module((unsigned long)state, patch->mod) ||
	       (!state->version && !state->data);
}

static int klp_states_check(const struct klp_patch *patch)
{
	/* Data pointers are handed over between states that have a row in state_ops. */
	enum klp_access access = patch->state_ops ? KLP_WRITTEN : KLP_READ;
	const struct klp_state *state, *other;
	int ret;

	ret = klp_memory_check_data(patch, patch->states, access, "array of states") ?:
	      klp_memory_check_end(patch, patch->states, klp_shape_states, "array of states");
	if (ret)
		return ret;

	for (state = patch->states; state && !klp_states_end(patch, state); state++) {
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

static int klp_state_ops_check_code(const struct klp_patch *patch, const struct klp_state_ops *ops)
{
	const struct {
		const char *name;
		const void *code;
	} callbacks[] = {
		{ "pre_patch",		ops->pre_patch },
		{ "post_patch",		ops->post_patch },
		{ "pre_unpatch",	ops->pre_unpatch },
		{ "post_unpatch",	ops->post_unpatch },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(callbacks) && !ret; i++)
		ret = klp_memory_check_code(patch, callbacks[i].code, "%s of state %lu",
					    callbacks[i].name, ops->id);
	return ret;
}

static int klp_shadow_type_check(const struct klp_patch *patch, const struct klp_state_ops *ops)
{
	const struct klp_shadow_type *type = ops->shadow;
	int ret;

	if (!type)
		return 0;

	ret = klp_memory_check_data(patch, type, KLP_READ, "shadow type of state %lu", ops->id);
	if (ret)
		return ret;
	if (!type->id) {
		pr_err("patch '%s': shadow type of state %lu has no id\n", patch->mod->name,
		       ops->id);
		return -EINVAL;
	}
	return klp_memory_check_code(patch, type->ctor,
				     "constructor of shadow type %lx of state %lu", type->id,
				     ops->id) ?:
	       klp_memory_check_code(patch, type->dtor,
				     "destructor of shadow type %lx of state %lu", type->id,
				     ops->id);
}

static int klp_state_ops_check(struct klp_patch *patch, const struct klp_state_ops *ops)
{
	const char *who = patch->mod->name;
	const struct klp_state_ops *other;
	int ret;

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
	ret = klp_shadow_type_check(patch, ops);
	if (ret)
		return ret;
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
	return klp_state_ops_check_code(patch, ops);
}

/**
 * klp_patch_check_states() - are the system states of a patch free of contradictions?
 * @patch: the patch as it came from the module
 *
 * Context: the task that enables the patch; may sleep.
 * Return: 0, or -EINVAL after a message that names what is wrong.
 */
int klp_patch_check_states(struct klp_patch *patch)
{
	const struct klp_state_ops *ops;
	int ret;

	ret = klp_states_check(patch);
	if (ret || !patch->state_ops)
		return ret;

	ret = klp_memory_check_data(patch, patch->state_ops, KLP_READ, "state_ops") ?:
	      klp_memory_check_end(patch, patch->state_ops, klp_shape_state_ops, "state_ops");
	for (ops = patch->state_ops; !ret && memchr_inv(ops, 0, sizeof(*ops)); ops++)
		ret = klp_state_ops_check(patch, ops);
	return ret;
}
