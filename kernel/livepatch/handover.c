// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which system states come and go in a transition, and who is told?
 *
 * A state is in a world when a patch that is present there lists it. What is in both worlds is
 * handed over without a call. What is in one world only gets a step in a plan: first the states
 * that the target world brings, as their patch lists them, then those that it does not have,
 * newest patch first and each patch backwards.
 *
 *	before any task moves	settled in the target	settled in the other world, backwards
 *	pre_patch		post_patch		post_unpatch
 *	pre_unpatch		post_unpatch		post_patch
 *
 * So the second call says no more than where the state is in the end, and a transition that is
 * reversed or fails undoes what has run, once, last thing first. Nothing is called in the moment
 * of reversing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include <trace/events/livepatch.h>
#include "internal.h"

/* Indexes the names in the trace event. */
enum klp_callback {
	KLP_PRE_PATCH,
	KLP_POST_PATCH,
	KLP_PRE_UNPATCH,
	KLP_POST_UNPATCH,
};

/**
 * struct klp_handover_step - a state that is in one of the worlds only
 * @node: in klp_handover.steps
 * @patch: the newest patch that has a say about it
 * @state: its entry for the state
 * @ops: its row for the state
 * @world: the one that has it
 */
struct klp_handover_step {
	struct list_head node;
	struct klp_patch *patch;
	struct klp_state *state;
	const struct klp_state_ops *ops;
	int world;
};

/**
 * struct klp_handover - the plan of the transition that is going on; klp_mutex
 * @steps: in the order in which they are made
 * @target: the world that the transition was begun for; reversing does not change it
 * @announced: callbacks have run and data have been handed over
 */
struct klp_handover {
	struct list_head steps;
	int target;
	bool announced;
};

static struct klp_handover klp_handover = {
	.steps = LIST_HEAD_INIT(klp_handover.steps),
};

static void klp_handover_free(struct list_head *steps)
{
	struct klp_handover_step *step, *tmp;

	list_for_each_entry_safe(step, tmp, steps, node) {
		list_del(&step->node);
		kfree(step);
	}
}

/* Who tells about a state that is in @world only: the newest patch there with a row for it. */
static bool klp_handover_speaks(const struct klp_patch *patch, unsigned long id, int world)
{
	struct klp_patch *newer;

	if (!klp_world_has(patch, world) || !klp_state_ops_of(patch, id))
		return false;

	list_for_each_entry_reverse(newer, &klp_patches, list) {
		if (newer == patch)
			return true;
		if (klp_world_has(newer, world) && klp_state_ops_of(newer, id))
			return false;
	}
	return false;
}

/* The one world that a state is in; idle: it is in both, or in the care of another patch. */
static int klp_handover_world(const struct klp_patch *patch, unsigned long id)
{
	bool without = klp_state_holder(id, KLP_TRANSITION_UNPATCHED);
	bool with = klp_state_holder(id, KLP_TRANSITION_PATCHED);
	int world = with ? KLP_TRANSITION_PATCHED : KLP_TRANSITION_UNPATCHED;

	if (with == without || !klp_handover_speaks(patch, id, world))
		return KLP_TRANSITION_IDLE;
	return world;
}

static int klp_handover_plan_patch(struct klp_patch *patch, int target, struct list_head *coming,
				   struct list_head *going)
{
	struct klp_handover_step *step;
	struct klp_state *state;
	int world;

	for (state = patch->states; state && state->id; state++) {
		world = klp_handover_world(patch, state->id);
		if (world == KLP_TRANSITION_IDLE)
			continue;

		step = kzalloc(sizeof(*step), GFP_KERNEL);
		if (!step)
			return -ENOMEM;
		step->patch = patch;
		step->state = state;
		step->ops = klp_state_ops_of(patch, state->id);
		step->world = world;

		if (world == target)
			list_add_tail(&step->node, coming);
		else
			list_add(&step->node, going);
	}
	return 0;
}

/**
 * klp_handover_plan() - work out which states come and go
 * @target: the world that the tasks are going to; the bits of all patches are set
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 or -ENOMEM, upon which there is no plan.
 */
int klp_handover_plan(int target)
{
	struct klp_patch *patch;
	LIST_HEAD(coming);
	LIST_HEAD(going);
	int ret = 0;

	list_for_each_entry(patch, &klp_patches, list) {
		ret = klp_handover_plan_patch(patch, target, &coming, &going);
		if (ret)
			break;
	}
	if (!ret)
		ret = klp_garbage_plan();
	if (ret) {
		klp_handover_free(&coming);
		klp_handover_free(&going);
		return ret;
	}

	list_splice_tail(&coming, &klp_handover.steps);
	list_splice_tail(&going, &klp_handover.steps);
	klp_handover.target = target;
	return 0;
}

/* Data of states that are in both worlds: from the newest patch here to the newest one there. */
static void klp_handover_data(int from, int to)
{
	struct klp_patch *patch, *giver;
	struct klp_state *state;

	list_for_each_entry(patch, &klp_patches, list) {
		for (state = patch->states; state && state->id; state++) {
			if (!klp_state_ops_of(patch, state->id) ||
			    klp_state_holder(state->id, to) != patch)
				continue;
			giver = klp_state_holder(state->id, from);
			if (giver && giver != patch)
				state->data = klp_get_state(giver, state->id)->data;
		}
	}
}

/* Call back, if there is such a callback. */
static int klp_handover_call(const struct klp_handover_step *step, enum klp_callback callback)
{
	const struct klp_state_ops *ops = step->ops;
	struct klp_patch *patch = step->patch;
	int ret = 0;

	if (callback == KLP_PRE_PATCH && ops->pre_patch)
		ret = ops->pre_patch(patch, step->state);
	else if (callback == KLP_POST_PATCH && ops->post_patch)
		ops->post_patch(patch, step->state);
	else if (callback == KLP_PRE_UNPATCH && ops->pre_unpatch)
		ops->pre_unpatch(patch, step->state);
	else if (callback == KLP_POST_UNPATCH && ops->post_unpatch)
		ops->post_unpatch(patch, step->state);
	else
		return 0;

	trace_klp_state_callback(patch, ops->id, callback, ret);
	return ret;
}

static int klp_handover_pre(const struct klp_handover_step *step)
{
	bool comes = step->world == klp_handover.target;
	int said = klp_handover_call(step, comes ? KLP_PRE_PATCH : KLP_PRE_UNPATCH);
	int ret = klp_callback_result(said);

	if (ret != said)
		pr_err("patch '%s': pre_patch of state %lu returned %d, which is no error number\n",
		       step->patch->mod->name, step->ops->id, said);
	if (ret) {
		pr_warn("pre-patch callback failed for state %lu of patch '%s' (%d)\n",
			step->ops->id, step->patch->mod->name, ret);
	}
	return ret;
}

static void klp_handover_post(const struct klp_handover_step *step, int target)
{
	klp_handover_call(step, step->world == target ? KLP_POST_PATCH : KLP_POST_UNPATCH);
}

/**
 * klp_handover_announce() - hand data over, and tell the patches what is going to happen
 *
 * Context: process context, may sleep; klp_mutex held, klp_handover_plan() done, no task flagged.
 * Return: 0, or the error of a pre_patch callback, after a message. Then the rest of the plan is
 * dropped, and klp_handover_settle() undoes what has run.
 */
int klp_handover_announce(void)
{
	struct klp_handover_step *step;
	LIST_HEAD(done);
	int ret;

	klp_handover.announced = true;
	klp_handover_data(!klp_handover.target, klp_handover.target);

	list_for_each_entry(step, &klp_handover.steps, node) {
		ret = klp_handover_pre(step);
		if (!ret)
			continue;
		/* Neither this step nor a later one is owed anything. */
		list_cut_before(&done, &klp_handover.steps, &step->node);
		klp_handover_free(&klp_handover.steps);
		list_splice(&done, &klp_handover.steps);
		return ret;
	}
	return 0;
}

/**
 * klp_handover_takes_down() - is a patch going to be told that a state has left?
 * @target: the world that all tasks are in
 *
 * Context: klp_mutex held.
 * Return: true when klp_handover_settle() will call a post_unpatch.
 */
bool klp_handover_takes_down(int target)
{
	const struct klp_handover_step *step;

	if (!klp_handover.announced)
		return false;
	list_for_each_entry(step, &klp_handover.steps, node) {
		if (step->world != target && step->ops->post_unpatch)
			return true;
	}
	return false;
}

/**
 * klp_handover_settle() - tell the patches how it ended
 * @target: the world that all tasks are in; the bits of all patches are still set
 *
 * Does nothing more than to forget the plan when it was not announced.
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_handover_settle(int target)
{
	struct klp_handover_step *step;

	if (!klp_handover.announced) {
		klp_garbage_forget();
	} else if (target == klp_handover.target) {
		list_for_each_entry(step, &klp_handover.steps, node)
			klp_handover_post(step, target);
		klp_garbage_settle(target);
	} else {
		klp_handover_data(klp_handover.target, target);
		list_for_each_entry_reverse(step, &klp_handover.steps, node)
			klp_handover_post(step, target);
		klp_garbage_settle(target);
	}

	klp_handover_free(&klp_handover.steps);
	klp_handover.announced = false;
}
