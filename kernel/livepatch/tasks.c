// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How is something done to all tasks, and how is it known that all have arrived?
 *
 * Stores to every task are made with tasklist_lock held for reading, so that no task can be
 * forked around them. Looking at stacks takes long: that is done under RCU, with breaks, and may
 * miss tasks. The proof that nobody is missing only compares a number for each task.
 *
 * All of it runs in process context with klp_mutex held. Idle tasks are not on the list of tasks
 * and always need a loop of their own.
 */
#include <linux/cpu.h>
#include <linux/sched/idle.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/preempt.h>
#include <linux/stop_machine.h>
#include <trace/events/livepatch.h>
#include "internal.h"

/* Tasks looked at before a reader of the task list makes way for RCU. */
#define KLP_SCAN_BATCH	128

/* Why tasks were last traced to be blocked, by their number; klp_mutex. */
static DEFINE_XARRAY(klp_scan_traced);

/* Do something to every task that there is, with the list of tasks held still. */
static void klp_for_every_task(void (*func)(struct task_struct *task, int arg), int arg)
{
	struct task_struct *g, *task;
	unsigned int cpu;

	read_lock(&tasklist_lock);
	for_each_process_thread(g, task)
		func(task, arg);
	read_unlock(&tasklist_lock);

	/* Idle tasks are not on the list. */
	for_each_possible_cpu(cpu)
		func(idle_task(cpu), arg);
}

static void klp_task_set_world(struct task_struct *task, int world)
{
	WRITE_ONCE(task->patch_state, world);
}

static void klp_task_flag(struct task_struct *task, int target)
{
	if (READ_ONCE(task->patch_state) != target)
		set_tsk_thread_flag(task, TIF_PATCH_PENDING);
}

static void klp_task_unflag(struct task_struct *task, int unused)
{
	clear_tsk_thread_flag(task, TIF_PATCH_PENDING);
}

static void klp_task_push(struct task_struct *task, int unused)
{
	klp_task_force(task);
}

static void klp_task_nudge(struct task_struct *task, int unused)
{
	if (!klp_patch_pending(task))
		return;
	/* It may move right now; then this is for nothing and does no harm. */
	if (task->flags & PF_KTHREAD)
		wake_up_state(task, TASK_INTERRUPTIBLE);
	else
		set_notify_signal(task);
}

/* Put all tasks into a world, or out of both. */
void klp_tasks_set_world(int world)
{
	klp_for_every_task(klp_task_set_world, world);
}

/* Ask all tasks that are not in world @target to go there. */
void klp_tasks_flag(int target)
{
	klp_for_every_task(klp_task_flag, target);
}

/* Take back what klp_tasks_flag() has asked for. */
void klp_tasks_unflag(void)
{
	klp_for_every_task(klp_task_unflag, 0);
}

/* Move all tasks that were asked, whatever they are doing. */
void klp_tasks_force(void)
{
	klp_for_every_task(klp_task_push, 0);
}

/* Wake sleeping tasks that were asked: user tasks by a signal that is none, kthreads as such. */
void klp_tasks_nudge(void)
{
	klp_for_every_task(klp_task_nudge, 0);
}

/*
 * Go through all tasks by number: that finds its way back after a break, whatever tasks have come
 * and gone meanwhile. Some may be missed.
 */
static void klp_scan_tasks(void (*func)(struct task_struct *task, void *arg), void *arg)
{
	unsigned int left = KLP_SCAN_BATCH;
	struct task_struct *task;
	struct pid *pid;
	int nr = 1;

	rcu_read_lock();
	while ((pid = find_ge_pid(nr, &init_pid_ns))) {
		nr = pid_nr(pid) + 1;
		task = pid_task(pid, PIDTYPE_PID);
		if (task)
			func(task, arg);
		if (--left)
			continue;
		left = KLP_SCAN_BATCH;
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/* Trace @task once for each reason that it has. */
static void klp_scan_trace(struct task_struct *task, enum klp_verdict verdict, unsigned long where)
{
	void *reason;

	if (!trace_klp_task_blocked_enabled())
		return;
	verdict = klp_verdict_refine(verdict, where);
	reason = xa_mk_value((where << 3 | verdict) & LONG_MAX);
	if (xa_store(&klp_scan_traced, task_pid_nr(task), reason, GFP_NOWAIT) != reason)
		trace_klp_task_blocked(task, verdict, where);
}

static void klp_scan_try(struct task_struct *task, void *arg)
{
	struct klp_scan *scan = arg;
	enum klp_verdict verdict;
	unsigned long where = 0;

	verdict = klp_task_try(task, &where);
	if (verdict == KLP_CLEAR)
		return;
	klp_scan_trace(task, verdict, where);
	if (scan->nr++ < KLP_SCAN_NAMED)
		klp_task_blame(task, verdict, where, &scan->blocker[scan->nr - 1]);
}

/**
 * klp_tasks_scan() - try to move who has not arrived
 * @scan: out: who is left behind
 *
 * This only helps, klp_tasks_arrived() decides.
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_tasks_scan(struct klp_scan *scan)
{
	struct task_struct *task;
	unsigned int cpu;

	scan->nr = 0;
	klp_task_count();
	klp_scan_tasks(klp_scan_try, scan);

	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		task = idle_task(cpu);
		if (cpu_online(cpu))
			klp_scan_try(task, scan);
		else
			klp_task_move(task);
		if (!klp_task_arrived(task))
			wake_up_if_idle(cpu);
	}
	cpus_read_unlock();
}

/* On the CPU of @task, which does not run as long as this does. */
static int klp_stopper_try(void *task)
{
	unsigned long where;

	klp_task_try(task, &where);
	return 0;
}

/* The task that runs on @cpu, with a reference, if it is one that has not arrived; else NULL. */
static struct task_struct *klp_straggler(unsigned int cpu)
{
	struct task_struct *task;

	guard(rcu)();
	task = cpu_curr_snapshot(cpu);
	if (klp_task_arrived(task) || is_idle_task(task))
		return NULL;
	return get_task_struct(task);
}

/**
 * klp_tasks_interrupt() - try to move tasks that always run
 *
 * Each is pushed aside for as long as it takes to look at its stack, by the one scheduling class
 * that nothing else can keep waiting. That asks for a kernel in which tasks are preempted where
 * they are; elsewhere nobody could say how long it takes.
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_tasks_interrupt(void)
{
	struct task_struct *task;
	unsigned int cpu;

	if (!preempt_model_preemptible())
		return;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		task = klp_straggler(cpu);
		if (!task)
			continue;
		if (task != current)
			stop_one_cpu(cpu, klp_stopper_try, task);
		put_task_struct(task);
	}
	cpus_read_unlock();
}

/* Forget who was traced. klp_mutex. */
void klp_tasks_forget(void)
{
	klp_xa_empty(&klp_scan_traced);
}

/**
 * klp_tasks_visit() - have somebody look at all tasks
 * @func: called for each task, the idle ones included, under RCU; must not sleep
 * @arg: handed on
 *
 * Context: process context, may sleep.
 */
void klp_tasks_visit(void (*func)(struct task_struct *task, void *arg), void *arg)
{
	unsigned int cpu;

	klp_scan_tasks(func, arg);
	for_each_possible_cpu(cpu)
		func(idle_task(cpu), arg);
}

static void klp_pending_count(struct task_struct *task, void *count)
{
	if (!klp_task_arrived(task))
		++*(unsigned int *)count;
}

/* How many tasks have not arrived? Without klp_mutex, so that the number may be of no use. */
unsigned int klp_tasks_pending(void)
{
	unsigned int count = 0;

	klp_tasks_visit(klp_pending_count, &count);
	return count;
}

/* Is every task in world @target? Then nobody can come who is elsewhere. */
bool klp_tasks_arrived(int target)
{
	struct task_struct *g, *task;
	unsigned int cpu;
	bool arrived = true;

	read_lock(&tasklist_lock);
	for_each_process_thread(g, task) {
		if (READ_ONCE(task->patch_state) != target) {
			arrived = false;
			goto unlock;
		}
	}
unlock:
	read_unlock(&tasklist_lock);

	for_each_possible_cpu(cpu) {
		if (READ_ONCE(idle_task(cpu)->patch_state) != target)
			arrived = false;
	}
	return arrived;
}
