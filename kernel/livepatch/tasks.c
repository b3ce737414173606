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
#include "internal.h"

/* Tasks looked at before a reader of the task list makes way for RCU. */
#define KLP_SCAN_BATCH	128

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

static void klp_task_force(struct task_struct *task, int unused)
{
	klp_update_patch_state(task);
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
	klp_for_every_task(klp_task_force, 0);
}

/* Wake sleeping tasks that were asked: user tasks by a signal that is none, kthreads as such. */
void klp_tasks_nudge(void)
{
	klp_for_every_task(klp_task_nudge, 0);
}

/* Let RCU and others have their turn. False: the place in the list was lost. */
static bool klp_scan_break(struct task_struct *g, struct task_struct *task)
{
	bool alive;

	get_task_struct(g);
	get_task_struct(task);
	rcu_read_unlock();
	cond_resched();
	rcu_read_lock();
	alive = pid_alive(g) && pid_alive(task);
	put_task_struct(task);
	put_task_struct(g);
	return alive;
}

/* Go through the list of tasks. They may come, go and move meanwhile, some may be missed. */
static void klp_scan_list(void (*func)(struct task_struct *task, void *arg), void *arg)
{
	unsigned int left = KLP_SCAN_BATCH;
	struct task_struct *g, *task;

	rcu_read_lock();
	for_each_process_thread(g, task) {
		func(task, arg);
		if (--left)
			continue;
		left = KLP_SCAN_BATCH;
		if (!klp_scan_break(g, task))
			goto unlock;
	}
unlock:
	rcu_read_unlock();
}

static void klp_scan_try(struct task_struct *task, void *unused)
{
	klp_task_try(task);
}

/* Try to move who has not arrived. This only helps, klp_tasks_arrived() decides. */
void klp_tasks_scan(void)
{
	struct task_struct *task;
	unsigned int cpu;

	klp_scan_list(klp_scan_try, NULL);

	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		task = idle_task(cpu);
		if (!cpu_online(cpu))
			klp_task_move(task);
		else if (klp_task_try(task) != KLP_CLEAR)
			wake_up_if_idle(cpu);
	}
	cpus_read_unlock();
}

/**
 * klp_tasks_visit() - have somebody look at all tasks
 * @func: called for each task, the idle ones included, under RCU; must not sleep
 * @arg: handed on
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_tasks_visit(void (*func)(struct task_struct *task, void *arg), void *arg)
{
	unsigned int cpu;

	klp_scan_list(func, arg);
	for_each_possible_cpu(cpu)
		func(idle_task(cpu), arg);
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
