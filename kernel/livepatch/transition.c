// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does every task get from one world to the other?
 *
 * open	  all tasks are put into the world that they are going to leave. Nothing differs yet.
 * begin  the destinations of the other world are written, then every task is flagged.
 * round  tasks that do not run are looked at and moved if their stack allows it. Running ones
 *	  move themselves. Rounds are repeated until all have arrived.
 * settle both worlds become the one that all tasks are in, who is absent from it is retired.
 *
 *	IDLE -> OPEN(t) -> RUNNING(t) -> SETTLING(t) -> IDLE
 *	OPEN(1) -> SETTLING(0)			 a callback or ftrace refuses, nobody was flagged
 *	RUNNING(t) -> RUNNING(!t)		 reversed, any number of times
 *	task: -1 -> !t -> t -> -1		 reversing only swaps the meaning of t
 *
 * Ordering. Three things are used without klp_mutex: the destinations of sites, by the handler;
 * the target, by tasks that change over on their way to user mode or in the idle loop; the
 * target and the forbidden ranges, by tasks in cond_resched(). The rules:
 *
 *	transition				task that moves itself
 *	----------				----------------------
 *	dest[target] = ...			test_and_clear(TIF_PATCH_PENDING)
 *	target = t, forbidden = ...		B  full barrier, or smp_rmb()
 *	A  smp_wmb()				patch_state = target
 *	set TIF_PATCH_PENDING			handler: dest[patch_state]
 *
 *  A/B	is message passing: who sees the flag sees the target, the ranges and the destinations
 *	that were written before it was set.
 *  G	klp_sync(): every CPU has passed a context switch, so every region with preemption off
 *	that was running before has ended. The handler, the move on the way to user mode and the
 *	look in cond_resched() are one such region each. "The handler" is klp_hook_handler() or
 *	klp_trampoline, whichever ftrace has put there; before its region it has read nothing, and
 *	behind it a task is held to be on its way (forbid.c).
 *
 * open:    tasks := !target; G; only then dest[target] is written. A handler that reads
 *	    dest[target] from now on belongs to a task that was moved there.
 * moving   somebody else: the mover holds the task's pi_lock, and its rq lock if it is runnable;
 *	    the task's next schedule-in orders it.
 * reverse: clear the flags; G: nobody acts on an old flag any more; flip the target and the
 *	    ranges; A; set the flags. Destinations do not change.
 * settle:  dest[!target] := dest[target]; G: both worlds are the same to everybody; then tasks
 *	    := idle, which acts like world 0.
 * fork:    a child copies world and flag of its parent under tasklist_lock held for writing, and
 *	    nobody moves the parent meanwhile. So once every task on the list is in the target
 *	    world, no later one can be elsewhere: a look at the list under tasklist_lock held for
 *	    reading proves that all have arrived.
 * exit:    a task that is off the list may still run losing code. Nothing of it is freed before
 *	    RCU-tasks, which waits for exiting tasks too, has had a grace period (see main.c), and
 *	    no callback takes down what that code uses (klp_transition_settle()). RCU-tasks
 *	    does not wait for those that sleep: a replacement that runs that late must not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/rcupdate.h>
#include <trace/events/livepatch.h>
#include "internal.h"

/* Ends the life of the patches in klp_retired; main.c supplies the function. */
struct work_struct klp_retire_work;

/* Patches that are present nowhere and have to be let go of; klp_mutex. */
LIST_HEAD(klp_retired);

/* The world that tasks head for; klp_mutex. */
static int klp_transition_to;

/* Tasks have been set in motion; klp_mutex. */
static bool klp_transition_moving;

/* How many transitions there have been, with the one that is going on; klp_mutex. */
static unsigned long klp_transition_nr;

static const char *klp_transition_verb(int target)
{
	return target == KLP_TRANSITION_PATCHED ? "patching" : "unpatching";
}

/**
 * klp_transition_refresh() - work out again what tasks have to leave
 *
 * After sites have come or gone in the middle of a transition; does nothing outside of one.
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 or -ENOMEM, upon which the old ranges stay in effect.
 */
int klp_transition_refresh(void)
{
	struct klp_forbidden forbidden;
	int ret;

	if (!klp_transition_patch)
		return 0;

	ret = klp_forbidden_collect(klp_transition_to, &forbidden);
	if (!ret)
		klp_task_set_forbidden(&forbidden);
	return ret;
}

/* The world that tasks head for. klp_mutex held, a transition begun. */
int klp_transition_target(void)
{
	return klp_transition_to;
}

/* Tells the transition that is going on from earlier ones. klp_mutex held. */
unsigned long klp_transition_number(void)
{
	return klp_transition_nr;
}

/**
 * klp_transition_open() - prepare to bring all tasks to a world
 * @patch: the patch that tells the worlds apart; its bits are set already
 * @target: the world
 *
 * Context: process context, may sleep; klp_mutex held, no transition going on.
 */
void klp_transition_open(struct klp_patch *patch, int target)
{
	pr_debug("'%s': initializing %s transition\n", patch->mod->name,
		 klp_transition_verb(target));

	WRITE_ONCE(klp_transition_patch, patch);
	klp_transition_to = target;
	klp_transition_nr++;
	klp_stats_begin(patch, target);
	klp_tasks_set_world(!target);
}

/* From here on tasks can move. */
static void klp_transition_start(const struct klp_forbidden *forbidden)
{
	struct klp_patch *patch = klp_transition_patch;
	int target = klp_transition_to;

	pr_notice("'%s': starting %s transition\n", patch->mod->name,
		  klp_transition_verb(target));

	WRITE_ONCE(patch->enabled, target == KLP_TRANSITION_PATCHED);
	klp_task_set_target(target);
	klp_task_set_forbidden(forbidden);

	/* A: destinations, target and ranges before the flags. */
	smp_wmb();

	klp_transition_moving = true;
	klp_tasks_flag(target);
	klp_rounds_begin();
}

/**
 * klp_transition_begin() - set the tasks in motion
 * @forbidden: from klp_forbidden_collect(); the sets belong to the callee
 *
 * All sites must be hooked by now. klp_transition_round() is to follow.
 *
 * Context: process context, may sleep; klp_mutex held, klp_transition_open() done.
 */
void klp_transition_begin(const struct klp_forbidden *forbidden)
{
	struct klp_site *site;

	/* G: no handler runs that has read patch_state before the tasks were put where they are. */
	klp_sync();

	klp_for_each_site(site)
		klp_site_route(site, klp_transition_to);

	trace_klp_transition_begin(klp_transition_patch, klp_transition_to);
	klp_transition_start(forbidden);
}

/**
 * klp_transition_reverse() - send all tasks back to where they come from
 *
 * klp_transition_round() is to follow.
 *
 * Context: process context, may sleep; klp_mutex held, a transition begun.
 * Return: 0 or -ENOMEM, upon which the transition goes on as before.
 */
int klp_transition_reverse(void)
{
	int target = !klp_transition_to;
	struct klp_forbidden forbidden;
	int ret;

	ret = klp_forbidden_collect(target, &forbidden);
	if (ret)
		return ret;

	pr_debug("'%s': reversing transition from %s to %s\n", klp_transition_patch->mod->name,
		 klp_transition_verb(!target), klp_transition_verb(target));

	klp_tasks_unflag();

	/* G: nobody acts on a flag that was set. */
	klp_sync();

	klp_transition_to = target;
	klp_stats_reverse(target);
	trace_klp_transition_reverse(klp_transition_patch, target);
	klp_transition_start(&forbidden);
	return 0;
}

/**
 * klp_transition_force() - move all tasks at once, whatever they are doing
 *
 * A task may then be in code that it should have left. So the code of the patches that go away
 * stays for good. klp_transition_round() is to follow.
 *
 * Context: process context, may sleep; klp_mutex held, a transition begun.
 */
void klp_transition_force(void)
{
	struct klp_patch *patch;

	pr_warn("forcing remaining tasks to the patched state\n");

	trace_klp_transition_force(klp_transition_patch, klp_transition_to);
	klp_stats_force();
	klp_tasks_force();

	list_for_each_entry(patch, &klp_patches, list) {
		if (klp_world_loses(patch, klp_transition_to))
			WRITE_ONCE(patch->forced, true);
	}
}

/* Both worlds become the one that everybody is in. */
static void klp_transition_merge(int target)
{
	struct klp_site *site;

	klp_for_each_site(site)
		klp_site_merge(site, target);

	/* G: nobody uses a destination that was different. */
	klp_sync();

	klp_task_set_target(KLP_TRANSITION_IDLE);
	klp_task_set_forbidden(&(struct klp_forbidden){});
	klp_tasks_set_world(KLP_TRANSITION_IDLE);
}

/* Take the entries of who goes away, and the nops, out of all sites. */
static void klp_transition_drop(int target)
{
	struct klp_object *obj, *tmp_obj;
	struct klp_func *func, *tmp_func;
	struct klp_patch *patch;

	list_for_each_entry(patch, &klp_patches, list) {
		if (klp_world_has(patch, target))
			continue;
		WRITE_ONCE(patch->enabled, false);
		klp_for_each_object(patch, obj)
			klp_object_unhook(obj);
	}

	if (target != KLP_TRANSITION_PATCHED)
		return;

	klp_for_each_object_safe(klp_transition_patch, obj, tmp_obj) {
		klp_for_each_func_safe(obj, func, tmp_func) {
			if (func->nop)
				klp_func_drop(func);
		}
		if (obj->dynamic)
			klp_object_drop(obj);
	}
}

/*
 * Tell the patches. Of objects only callbacks of the patch in transition are called; states are
 * built upon them, so these come last when setting up, and first when taking down.
 */
static void klp_transition_call_back(struct klp_patch *patch, int target)
{
	struct klp_object *obj;

	if (target == KLP_TRANSITION_UNPATCHED)
		klp_handover_settle(target);

	klp_for_each_object(patch, obj) {
		if (!klp_object_loaded(obj))
			continue;
		if (target == KLP_TRANSITION_PATCHED)
			klp_object_post_patch(obj);
		else
			klp_object_post_unpatch(obj);
	}

	if (target == KLP_TRANSITION_PATCHED)
		klp_handover_settle(target);
}

/* Does one of the callbacks that are due take something down? */
static bool klp_transition_takes_down(const struct klp_patch *patch, int target)
{
	const struct klp_object *obj;

	if (klp_handover_takes_down(target))
		return true;
	if (target == KLP_TRANSITION_PATCHED)
		return false;

	klp_for_each_object(patch, obj) {
		if (klp_object_loaded(obj) && klp_object_takes_down(obj))
			return true;
	}
	return false;
}

/* Who is present in world @target stays, the others leave the list. */
static void klp_transition_retire(int target)
{
	struct klp_object *obj, *tmp_obj;
	struct klp_patch *patch, *tmp;

	list_for_each_entry_safe(patch, tmp, &klp_patches, list) {
		klp_world_settle(patch, target);
		if (patch->worlds != KLP_NOWHERE)
			continue;
		klp_for_each_object_safe(patch, obj, tmp_obj)
			klp_object_drop(obj);
		list_move_tail(&patch->list, &klp_retired);
	}
}

/* Every task is in the target world. */
static void klp_transition_settle(void)
{
	struct klp_patch *patch = klp_transition_patch;
	int target = klp_transition_to;

	pr_debug("'%s': completing %s transition\n", patch->mod->name,
		 klp_transition_verb(target));

	klp_transition_merge(target);
	klp_transition_drop(target);
	klp_hook_sweep();

	/* Who is past exit_notify() may be in code that is left, and use what is taken down. */
	if (klp_transition_moving && klp_transition_takes_down(patch, target))
		synchronize_rcu_tasks();
	klp_transition_moving = false;
	klp_transition_call_back(patch, target);

	pr_notice("'%s': %s complete\n", patch->mod->name, klp_transition_verb(target));

	trace_klp_transition_settle(patch, target, klp_stats_settle(target), klp_stats_rounds());
	klp_transition_retire(target);
	WRITE_ONCE(klp_transition_patch, NULL);
	queue_work(system_long_wq, &klp_retire_work);
}

/**
 * klp_transition_cancel() - settle where all tasks are, before any was set in motion
 *
 * Context: process context, may sleep; klp_mutex held, klp_transition_open() done with world 1
 * as the target. The patch is in klp_retired afterwards.
 */
void klp_transition_cancel(void)
{
	pr_debug("'%s': canceling %s transition, going to unpatch\n",
		 klp_transition_patch->mod->name, klp_transition_verb(klp_transition_to));

	klp_transition_to = KLP_TRANSITION_UNPATCHED;
	klp_transition_settle();
}

/**
 * klp_transition_round() - look at all tasks that have not arrived, and settle if all have
 *
 * Who wants the transition calls it first, then the lookers do; and nobody else, so that each of
 * them may be patched. Does nothing outside of a transition.
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_transition_round(void)
{
	if (!klp_transition_patch)
		return;

	if (klp_rounds_look(klp_transition_to))
		klp_transition_settle();
}
