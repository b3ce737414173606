// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When are tasks looked at, and what is done about those that stay behind?
 *
 * At once when tasks have been set in motion, by whoever did that, and again when the last of those
 * that were left has moved by itself. In between, after pauses that grow from 10 ms to a second,
 * for tasks that do not move by themselves: kthreads that wait somewhere else by now, and tasks
 * that have exited.
 *
 *	third round		tasks look at themselves where the scheduler meets them (resched.c)
 *	fourth round		tasks that run are pushed aside to be looked at
 *	after signal_after	tasks that sleep are woken, again and again after that time
 *	after stall_warning	the log says who is left, once
 *
 * Both are module parameters in seconds, and may be changed while a transition is going on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include "internal.h"

/* Pause between two rounds: short at first, then doubled. */
#define KLP_ROUND_FIRST	(HZ / 100 ?: 1)
#define KLP_ROUND_LAST	HZ

/* Pause from which on tasks that always run are seen to: the third round. */
#define KLP_RESCHED_PAUSE (4 * KLP_ROUND_FIRST)

/* Seconds until tasks are nudged, and between nudges. */
static unsigned int klp_signal_after = 15;
module_param_named(signal_after, klp_signal_after, uint, 0644);
MODULE_PARM_DESC(signal_after, "seconds until tasks that hold up a transition are woken");

/* Seconds until the log says who is left; 0 for never. */
static unsigned int klp_stall_warning = 60;
module_param_named(stall_warning, klp_stall_warning, uint, 0644);
MODULE_PARM_DESC(stall_warning, "seconds until a warning about a transition, 0 for none");

/**
 * struct klp_rounds - the rounds of the transition that is going on; klp_mutex
 * @pause: jiffies until the next round
 * @begun: when tasks were set in motion, in jiffies
 * @nudged: when tasks were last nudged, or set in motion, in jiffies
 * @signalled: somebody has been told about the nudging
 * @warned: somebody has been told about the stall
 * @resched: the scheduler has tasks look at themselves
 */
static struct klp_rounds {
	unsigned long pause;
	unsigned long begun;
	unsigned long nudged;
	bool signalled;
	bool warned;
	bool resched;
} klp_rounds;

/**
 * klp_rounds_begin() - tasks have been set in motion, or sent back
 *
 * The first round is for the caller, as soon as he is ready; else it comes after a pause.
 *
 * Context: klp_mutex held.
 */
void klp_rounds_begin(void)
{
	klp_rounds.pause = KLP_ROUND_FIRST;
	klp_rounds.begun = jiffies;
	klp_rounds.nudged = jiffies;
	klp_rounds.signalled = false;
	klp_rounds.warned = false;
	klp_lookers_after(klp_rounds.pause);
}

/*
 * The hook of the scheduler is for tasks that neither sleep nor leave the kernel. Switching it may
 * mean to patch every cond_resched() that there is, so nobody does it who may not have to: most
 * transitions are over by the time the pause between rounds has grown.
 */
static void klp_rounds_hook_resched(void)
{
	if (klp_rounds.resched || klp_rounds.pause < KLP_RESCHED_PAUSE)
		return;
	klp_rounds.resched = true;
	klp_resched_enable();
}

/* Have @seconds passed since @since? Nobody waits for more than a century. */
static bool klp_rounds_passed(unsigned long since, unsigned int seconds)
{
	return time_after_eq(jiffies, since + min((unsigned long)seconds, ULONG_MAX / 4 / HZ) * HZ);
}

static void klp_rounds_nudge(void)
{
	if (!klp_rounds_passed(klp_rounds.nudged, READ_ONCE(klp_signal_after)))
		return;
	if (!klp_rounds.signalled)
		pr_notice("signaling remaining tasks\n");
	klp_rounds.signalled = true;
	klp_rounds.nudged = jiffies;
	klp_tasks_nudge();
}

static void klp_rounds_warn(const struct klp_scan *scan)
{
	unsigned int limit = READ_ONCE(klp_stall_warning), i;
	const char *who = klp_transition_patch->mod->name;

	if (klp_rounds.warned || !limit || !klp_rounds_passed(klp_rounds.begun, limit))
		return;

	klp_rounds.warned = true;
	pr_warn("'%s': transition stalled for %u seconds, tasks left: %u\n", who, limit, scan->nr);
	for (i = 0; i < min(scan->nr, KLP_SCAN_NAMED); i++) {
		const struct klp_blocker *blocker = &scan->blocker[i];
		const char *verdict = klp_verdict_word(blocker->verdict);

		if (!blocker->where)
			pr_warn("'%s': blocked by task %s/%d: %s\n", who, blocker->comm,
				blocker->tid, verdict);
		else if (blocker->verdict == KLP_IN_FLIGHT)
			pr_warn("'%s': blocked by task %s/%d: %s: %pS\n", who, blocker->comm,
				blocker->tid, verdict, (void *)blocker->where);
		else
			pr_warn("'%s': blocked by task %s/%d: %s: %pB\n", who, blocker->comm,
				blocker->tid, verdict, (void *)blocker->where);
	}
}

/**
 * klp_rounds_look() - look at all tasks that have not arrived
 * @target: where they should be
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: true when all are there. Else there will be another round.
 */
bool klp_rounds_look(int target)
{
	struct klp_scan scan;

	klp_stats_round();
	if (klp_rounds.resched)
		klp_tasks_interrupt();
	klp_tasks_scan(&scan);
	if (scan.nr)
		klp_stats_late(&scan.blocker[0]);

	if (klp_tasks_arrived(target)) {
		if (klp_rounds.resched)
			klp_resched_disable();
		klp_rounds.resched = false;
		klp_tasks_forget();
		klp_lookers_rest();
		return true;
	}

	klp_rounds_hook_resched();
	klp_rounds_nudge();
	klp_rounds_warn(&scan);

	/*
	 * Some may have been missed, and some may have moved since they were counted. The last one
	 * may move right here: the round that it asks for is not put off by this.
	 */
	klp_lookers_after(klp_rounds.pause);
	if (!klp_task_await(scan.nr))
		klp_lookers_now();
	klp_rounds.pause = min(klp_rounds.pause * 2, KLP_ROUND_LAST);
	return false;
}
