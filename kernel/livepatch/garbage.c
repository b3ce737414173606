// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who destroys shadow variables whose state has left the system, and when?
 *
 * The worker that retires patches, when nobody can run code any more that knows the variables, and
 * before the module goes that has their destructor. It holds no lock then. So between the end of a
 * transition and the destruction there is time, in which no patch may come that has variables of
 * the same type: klp_enable_patch() waits.
 *
 *	PLANNED -> OWED -> DOOMED -> destroyed	lost with its state
 *	PLANNED -> forgotten			the state stays, or tasks were forced
 */
#include <linux/slab.h>
#include "internal.h"

/**
 * struct klp_garbage - shadow variables that may lose their state
 * @node: in one of the lists below
 * @patch: who has the type; not to be used after the transition
 * @state: id of the state that the variables belong to
 * @type: what to destroy
 */
struct klp_garbage {
	struct list_head node;
	const struct klp_patch *patch;
	unsigned long state;
	const struct klp_shadow_type *type;
};

/* Types of patches that are in one world only; klp_mutex. */
static LIST_HEAD(klp_garbage_planned);

/* What the next retirement has to destroy; klp_mutex. */
static LIST_HEAD(klp_garbage_owed);

/* What retirement is destroying; written by its worker under klp_mutex, read under klp_mutex. */
static LIST_HEAD(klp_garbage_doomed);

/**
 * klp_garbage_forget() - drop the plan
 *
 * Context: klp_mutex held.
 */
void klp_garbage_forget(void)
{
	struct klp_garbage *garbage, *tmp;

	list_for_each_entry_safe(garbage, tmp, &klp_garbage_planned, node) {
		list_del(&garbage->node);
		kfree(garbage);
	}
}

static int klp_garbage_plan_patch(const struct klp_patch *patch)
{
	const struct klp_state_ops *ops;
	struct klp_garbage *garbage;

	for (ops = patch->state_ops; ops && ops->id; ops++) {
		if (!ops->shadow)
			continue;
		garbage = kzalloc(sizeof(*garbage), GFP_KERNEL);
		if (!garbage)
			return -ENOMEM;
		garbage->patch = patch;
		garbage->state = ops->id;
		garbage->type = ops->shadow;
		/* The newest patch comes first: its destructor gets to see the variables. */
		list_add(&garbage->node, &klp_garbage_planned);
	}
	return 0;
}

/**
 * klp_garbage_plan() - note the types that one of the worlds may lack
 *
 * Context: process context, may sleep; klp_mutex held, the bits of all patches set.
 * Return: 0 or -ENOMEM, upon which there is no plan.
 */
int klp_garbage_plan(void)
{
	struct klp_patch *patch;
	int ret;

	list_for_each_entry(patch, &klp_patches, list) {
		if (!klp_world_changes(patch))
			continue;
		ret = klp_garbage_plan_patch(patch);
		if (ret) {
			klp_garbage_forget();
			return ret;
		}
	}
	return 0;
}

/*
 * Does somebody in @world look after these variables? A patch that lists the state does if it
 * names the type; and if it says nothing about the state, since then it manages by itself.
 */
static bool klp_garbage_survives(const struct klp_garbage *garbage, int world)
{
	const struct klp_state_ops *ops;
	struct klp_patch *patch;

	list_for_each_entry(patch, &klp_patches, list) {
		if (!klp_world_has(patch, world) || !klp_get_state(patch, garbage->state))
			continue;
		ops = klp_state_ops_of(patch, garbage->state);
		if (!ops || (ops->shadow && ops->shadow->id == garbage->type->id))
			return true;
	}
	return false;
}

/**
 * klp_garbage_settle() - decide which variables have to go
 * @target: the world that all tasks are in; the bits of all patches are still set
 *
 * Where tasks were forced, code may still use the variables, like the module, for good.
 *
 * Context: klp_mutex held; the caller sees to it that klp_retire_work runs.
 */
void klp_garbage_settle(int target)
{
	struct klp_garbage *garbage, *tmp;

	list_for_each_entry_safe(garbage, tmp, &klp_garbage_planned, node) {
		if (!klp_world_has(garbage->patch, target) && !garbage->patch->forced &&
		    !klp_garbage_survives(garbage, target))
			list_move_tail(&garbage->node, &klp_garbage_owed);
	}
	klp_garbage_forget();
}

static bool klp_garbage_listed(const struct list_head *list, const struct klp_shadow_type *type)
{
	const struct klp_garbage *garbage;

	list_for_each_entry(garbage, list, node) {
		if (garbage->type->id == type->id)
			return true;
	}
	return false;
}

/**
 * klp_garbage_blocks() - are variables about to be destroyed that a patch may have again?
 * @patch: the patch
 *
 * Context: klp_mutex held. Flushing klp_retire_work, without klp_mutex, helps.
 * Return: true when it has to wait.
 */
bool klp_garbage_blocks(const struct klp_patch *patch)
{
	const struct klp_state_ops *ops;

	for (ops = patch->state_ops; ops && ops->id; ops++) {
		if (!ops->shadow)
			continue;
		if (klp_garbage_listed(&klp_garbage_owed, ops->shadow) ||
		    klp_garbage_listed(&klp_garbage_doomed, ops->shadow))
			return true;
	}
	return false;
}

/**
 * klp_garbage_take() - begin to destroy what is owed
 *
 * Context: the retirement worker; klp_mutex held.
 * Return: true when there is something to destroy.
 */
bool klp_garbage_take(void)
{
	list_splice_tail_init(&klp_garbage_owed, &klp_garbage_doomed);
	return !list_empty(&klp_garbage_doomed);
}

/**
 * klp_garbage_collect() - destroy what klp_garbage_take() has taken
 *
 * Context: the retirement worker, may sleep; klp_mutex not held. An RCU-tasks grace period has
 * passed, and the modules with the destructors are still there.
 */
void klp_garbage_collect(void)
{
	struct klp_garbage *garbage, *tmp;

	list_for_each_entry_safe(garbage, tmp, &klp_garbage_doomed, node) {
		klp_shadow_collect(garbage->type);

		guard(mutex)(&klp_mutex);
		list_del(&garbage->node);
		kfree(garbage);
	}
}
