// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How did transitions go: how long, in how many rounds, who moved how, and who came last?
 *
 * The last ones are kept, whether their patches are still there or not: often the question comes
 * up when it is over.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "internal.h"

#define KLP_STATS_KEPT 32

/**
 * struct klp_stats - one transition; klp_mutex
 * @patch: name of the patch in transition
 * @target: the world that tasks head for, or have arrived in
 * @reversed: how many times the target has changed
 * @forced: tasks were moved whatever they were doing
 * @wall: when it began, for people
 * @begun: when it began, in ns of the monotonic clock
 * @duration: how long it took, in ns; 0 while it is going on
 * @rounds: how often all tasks were looked at
 * @unwound: how many stacks had to be unwound, other than that of current
 * @moved: how many tasks changed over in each way; reversing moves some again
 * @comm: of the task that was seen last not to have arrived, empty when none was
 * @tid: of that task
 */
struct klp_stats {
	char patch[MODULE_NAME_LEN];
	int target;
	unsigned int reversed;
	bool forced;
	struct timespec64 wall;
	u64 begun;
	u64 duration;
	unsigned int rounds;
	unsigned int unwound;
	unsigned int moved[KLP_WAYS];
	char comm[KLP_COMM_LEN];
	pid_t tid;
};

/* The newest is the one before klp_stats_next. klp_mutex. */
static struct klp_stats klp_stats_ring[KLP_STATS_KEPT];
static unsigned int klp_stats_next;

static const char * const klp_way_names[] = {
	[KLP_WAY_STACK] = "stack",
	[KLP_WAY_EXIT] = "exit",
	[KLP_WAY_IDLE] = "idle",
	[KLP_WAY_RESCHED] = "resched",
	[KLP_WAY_FORCED] = "forced",
};

static_assert(ARRAY_SIZE(klp_way_names) == KLP_WAYS);

static struct klp_stats *klp_stats_now(void)
{
	return &klp_stats_ring[(klp_stats_next - 1) % KLP_STATS_KEPT];
}

/**
 * klp_stats_begin() - a transition begins
 * @patch: the patch in transition
 * @target: where tasks head
 *
 * Context: klp_mutex held, no task flagged.
 */
void klp_stats_begin(const struct klp_patch *patch, int target)
{
	struct klp_stats *stats = &klp_stats_ring[klp_stats_next++ % KLP_STATS_KEPT];

	*stats = (struct klp_stats){ .target = target, .begun = ktime_get_ns() };
	strscpy(stats->patch, patch->mod->name);
	ktime_get_real_ts64(&stats->wall);
	klp_task_reset_moves();
	klp_stack_count();
}

/* It goes the other way. klp_mutex. */
void klp_stats_reverse(int target)
{
	klp_stats_now()->target = target;
	klp_stats_now()->reversed++;
}

/* Tasks are moved by force. klp_mutex. */
void klp_stats_force(void)
{
	klp_stats_now()->forced = true;
}

/* All tasks are looked at once more. klp_mutex. */
void klp_stats_round(void)
{
	klp_stats_now()->rounds++;
}

/* This task has not arrived yet. klp_mutex. */
void klp_stats_late(const struct klp_blocker *blocker)
{
	struct klp_stats *stats = klp_stats_now();

	stats->tid = blocker->tid;
	strscpy(stats->comm, blocker->comm);
}

/**
 * klp_stats_settle() - a transition is over
 * @target: where all tasks are; not where they were to go when it was given up before it began
 *
 * Context: klp_mutex held, no task flagged.
 * Return: how long it took, in ns.
 */
u64 klp_stats_settle(int target)
{
	struct klp_stats *stats = klp_stats_now();

	stats->target = target;
	stats->duration = ktime_get_ns() - stats->begun;
	stats->unwound = klp_stack_unwound();
	klp_task_count_moves(stats->moved);
	return stats->duration;
}

/* How often all tasks were looked at in the last transition. klp_mutex. */
unsigned int klp_stats_rounds(void)
{
	return klp_stats_now()->rounds;
}

/* How long the transition that is going on has taken so far, in ns. klp_mutex. */
u64 klp_stats_age(void)
{
	return ktime_get_ns() - klp_stats_now()->begun;
}

static void klp_stats_print(struct seq_file *m, const struct klp_stats *stats)
{
	u64 duration = stats->duration ?: ktime_get_ns() - stats->begun;
	unsigned int unwound = stats->unwound;
	unsigned int moved[KLP_WAYS], way;

	memcpy(moved, stats->moved, sizeof(moved));
	if (!stats->duration) {
		unwound = klp_stack_unwound();
		klp_task_count_moves(moved);
	}

	seq_puts(m, "patch: ");
	seq_escape_str(m, stats->patch, KLP_ESCAPE, "\\");
	seq_printf(m, "\ntarget: %s\n", stats->target ? "patched" : "unpatched");
	seq_printf(m, "state: %s\n", stats->duration ? "complete" : "going on");
	seq_printf(m, "started: %lld.%03ld\n", stats->wall.tv_sec,
		   stats->wall.tv_nsec / NSEC_PER_MSEC);
	seq_printf(m, "duration_us: %llu\n", div_u64(duration, NSEC_PER_USEC));
	seq_printf(m, "rounds: %u\n", stats->rounds);
	seq_printf(m, "reversed: %u\n", stats->reversed);
	seq_printf(m, "forced: %d\n", stats->forced);
	for (way = 0; way < KLP_WAYS; way++)
		seq_printf(m, "moved_%s: %u\n", klp_way_names[way], moved[way]);
	seq_printf(m, "unwound: %u\n", unwound);
	if (stats->tid)
		seq_printf(m, "slowest: %s/%d\n", stats->comm, stats->tid);
	else
		seq_puts(m, "slowest: -\n");
}

/**
 * klp_stats_show() - print the last transitions, newest first
 * @m: where to
 * @unused: for seq_file
 *
 * Context: process context, may sleep; takes klp_mutex.
 * Return: 0, or -ERESTARTSYS when a signal came before it had the lock.
 */
int klp_stats_show(struct seq_file *m, void *unused)
{
	unsigned int nr, i;

	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &klp_mutex) {
		nr = min(klp_stats_next, KLP_STATS_KEPT);
		for (i = 1; i <= nr; i++) {
			if (i > 1)
				seq_putc(m, '\n');
			klp_stats_print(m, &klp_stats_ring[(klp_stats_next - i) % KLP_STATS_KEPT]);
		}
	}
	return 0;
}
