// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Can this task change over, and how does it?
 *
 * A task changes over by a store to its patch_state, done by itself on its way to user mode, in
 * the idle loop or in cond_resched(), or by the transition while the task does not run. In the
 * kernel that takes a stack which is known to be free of the code that the task has to leave. A
 * patch may ask for more: then a task that has a user mode to go to changes over only on its way
 * there.
 *
 * What goes on is written by the transition before it sets the first TIF_PATCH_PENDING; the
 * letters refer to the comment at the top of transition.c.
 */
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <trace/events/livepatch.h>
#include "compat.h"
#include "internal.h"

/* The world that tasks head for. Written under klp_mutex (A), read by tasks (B). */
static int klp_task_target = KLP_TRANSITION_IDLE;

/*
 * User tasks change over on their way to user mode only. Written under klp_mutex (A), read by the
 * transition under klp_mutex and by tasks in cond_resched() with preemption off (B).
 */
static bool klp_task_kernel;

/* How many tasks have changed over in each way; every CPU counts what it sees. */
static DEFINE_PER_CPU(unsigned int [KLP_WAYS], klp_task_moves);

/*
 * How many of the tasks that the last round has left behind have not moved by themselves yet. Out
 * of reach of 0 while a round counts them. Tasks that come and go make it wrong: it decides when
 * to look again, never whether all have arrived.
 */
#define KLP_TASK_COUNTING (INT_MAX / 2)
static atomic_t klp_task_awaited = ATOMIC_INIT(KLP_TASK_COUNTING);

/* Queued when it gets there, on the CPU of that task; main.c supplies the function. */
struct irq_work klp_task_last;

/**
 * klp_task_set_forbidden() - replace the code that tasks have to leave
 * @forbidden: sealed sets, which belong to the callee
 *
 * Context: process context; klp_mutex held.
 */
void klp_task_set_forbidden(const struct klp_forbidden *forbidden)
{
	klp_stack_set_forbidden(forbidden);
	WRITE_ONCE(klp_task_kernel, forbidden->kernel);
}

/**
 * klp_task_set_target() - say where tasks go
 * @target: world, or KLP_TRANSITION_IDLE
 *
 * No task may have TIF_PATCH_PENDING set, and none may be about to use what it has seen while
 * it was set.
 *
 * Context: process context; klp_mutex held.
 */
void klp_task_set_target(int target)
{
	WRITE_ONCE(klp_task_target, target);
}

/* Begin to count who is left behind. */
void klp_task_count(void)
{
	atomic_set(&klp_task_awaited, KLP_TASK_COUNTING);
}

/**
 * klp_task_await() - let the last task that has been left behind say so when it moves
 * @nr: how many tasks have been left behind since klp_task_count()
 *
 * Context: klp_mutex held.
 * Return: false when as many have moved meanwhile: there is nobody to wait for.
 */
bool klp_task_await(unsigned int nr)
{
	return atomic_sub_return(KLP_TASK_COUNTING - nr, &klp_task_awaited) > 0;
}

/* Forget how tasks have moved. klp_mutex, no task flagged. */
void klp_task_reset_moves(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(&klp_task_moves, cpu), 0, sizeof(klp_task_moves));
}

/**
 * klp_task_count_moves() - find out how tasks have moved
 * @moves: out: how many in each of %KLP_WAYS ways
 *
 * Context: klp_mutex held.
 */
void klp_task_count_moves(unsigned int *moves)
{
	unsigned int cpu, way;

	memset(moves, 0, sizeof(klp_task_moves));
	for_each_possible_cpu(cpu) {
		for (way = 0; way < KLP_WAYS; way++)
			moves[way] += per_cpu(klp_task_moves, cpu)[way];
	}
}

/* Is @task where it should be? */
bool klp_task_arrived(struct task_struct *task)
{
	return READ_ONCE(task->patch_state) == READ_ONCE(klp_task_target);
}

/*
 * Does @task have to go to user mode? Workers that the kernel runs in a process of a user, for
 * io_uring or vhost, never do and are like kthreads here; nor does anybody who is dead.
 */
static bool klp_task_bound(const struct task_struct *task)
{
	return READ_ONCE(klp_task_kernel) && !(task->flags & (PF_KTHREAD | PF_USER_WORKER)) &&
	       READ_ONCE(task->__state) != TASK_DEAD;
}

/* What holds @task back, which does not start or stop running meanwhile? And where is it? */
static enum klp_verdict klp_task_judge(struct task_struct *task, unsigned long *where)
{
	if (task_curr(task) && task != current)
		return KLP_RUNNING;
	if (klp_task_bound(task))
		return KLP_IN_KERNEL;
	if (!klp_have_reliable_stack())
		return KLP_UNRELIABLE;
	return klp_stack_check(task, where);
}

/* @task, whose flag has been cleared, changes over; by itself, unless it is moved by a round. */
static void klp_task_arrive(struct task_struct *task, enum klp_way way)
{
	WRITE_ONCE(task->patch_state, READ_ONCE(klp_task_target));
	this_cpu_inc(klp_task_moves[way]);

	if (trace_klp_task_switch_enabled() && rcu_is_watching())
		trace_klp_task_switch(task, READ_ONCE(task->patch_state), way);

	if (way != KLP_WAY_STACK && atomic_dec_and_test(&klp_task_awaited))
		irq_work_queue(&klp_task_last);
}

/* Put a task into the target world that cannot run meanwhile, or current. */
static void klp_task_store(struct task_struct *task, enum klp_way way)
{
	clear_tsk_thread_flag(task, TIF_PATCH_PENDING);
	klp_task_arrive(task, way);
}

/* Likewise, where the flag says whether there is something to do. */
static void klp_task_take(struct task_struct *task, enum klp_way way)
{
	/* B: a full barrier; who sees the flag sees what was written before it was set. */
	if (test_and_clear_tsk_thread_flag(task, TIF_PATCH_PENDING))
		klp_task_arrive(task, way);
}

/**
 * klp_task_move() - put a task into the target world
 * @task: a task that cannot run meanwhile
 *
 * Context: klp_mutex held.
 */
void klp_task_move(struct task_struct *task)
{
	if (!klp_task_arrived(task))
		klp_task_store(task, KLP_WAY_STACK);
}

/**
 * klp_task_force() - put a task into the target world, whatever it is doing
 * @task: any task
 *
 * Context: klp_mutex held.
 */
void klp_task_force(struct task_struct *task)
{
	klp_task_take(task, KLP_WAY_FORCED);
}

/**
 * klp_task_step_aside() - change over in the kernel, for who waits there for transitions to end
 *
 * Where user tasks have to leave the kernel first, current would wait for itself. Its stack has to
 * be free all the same of the code that it has to leave.
 *
 * Context: process context; klp_mutex held, with which nobody else moves current.
 */
void klp_task_step_aside(void)
{
	unsigned long where;

	if (klp_patch_pending(current) && klp_have_reliable_stack() &&
	    klp_stack_check(current, &where) == KLP_CLEAR)
		klp_task_store(current, KLP_WAY_RESCHED);
}

/* For task_call_func(), which keeps @task from being scheduled. */
static int klp_task_check(struct task_struct *task, void *where)
{
	enum klp_verdict verdict = klp_task_judge(task, where);

	if (verdict == KLP_CLEAR)
		klp_task_store(task, KLP_WAY_STACK);
	return verdict;
}

/**
 * klp_task_try() - move a task to the target world if nothing speaks against it
 * @task: any task
 * @where: out, for KLP_ON_STACK: the address on its stack that is in the way
 *
 * Context: any that may take pi_lock and a runqueue lock; takes no other lock, does not sleep.
 * The caller holds klp_mutex.
 * Return: KLP_CLEAR when it is there now, else what holds it back.
 */
enum klp_verdict klp_task_try(struct task_struct *task, unsigned long *where)
{
	if (klp_task_arrived(task))
		return KLP_CLEAR;
	if (task == current)
		return klp_task_check(task, where);
	return task_call_func(task, klp_task_check, where);
}

/* Tell people what a verdict means. */
const char *klp_verdict_word(enum klp_verdict verdict)
{
	static const char * const words[] = {
		[KLP_CLEAR]		= "about to change over",
		[KLP_RUNNING]		= "running",
		[KLP_ON_STACK]		= "on stack",
		[KLP_UNRELIABLE]	= "unreliable stack",
		[KLP_IN_KERNEL]		= "waits for kernel exit",
		[KLP_IN_FLIGHT]		= "diverted, not yet arrived",
	};

	static_assert(ARRAY_SIZE(words) == KLP_VERDICTS);
	return words[verdict];
}

/**
 * klp_verdict_refine() - tell a task that is on its way from one that is there
 * @verdict: from klp_task_try() or klp_task_look()
 * @where: the address that is in the way
 *
 * Context: klp_mutex held.
 * Return: KLP_IN_FLIGHT instead of KLP_ON_STACK when that is what it is.
 */
enum klp_verdict klp_verdict_refine(enum klp_verdict verdict, unsigned long where)
{
	struct klp_site *site;

	if (verdict != KLP_ON_STACK)
		return verdict;
	if (klp_trampoline_contains(where))
		return KLP_IN_FLIGHT;
	klp_for_each_site(site) {
		if (klp_site_entry(site, !READ_ONCE(klp_task_target), where))
			return KLP_IN_FLIGHT;
	}
	return verdict;
}

/**
 * klp_task_blame() - note who a task is that has not arrived
 * @task: the task
 * @verdict: what holds it back
 * @where: the address that is in the way, if there is one
 * @blocker: where to note it
 *
 * Context: any, under RCU.
 */
void klp_task_blame(struct task_struct *task, enum klp_verdict verdict, unsigned long where,
		    struct klp_blocker *blocker)
{
	char comm[TASK_COMM_LEN];
	int len;

	blocker->tid = task_pid_nr(task);
	blocker->pid = task_tgid_nr(task);
	get_task_comm(comm, task);
	len = string_escape_str(comm, blocker->comm, KLP_COMM_LEN - 1, KLP_ESCAPE, "\\");
	blocker->comm[len] = '\0';
	blocker->state = task_state_to_char(task);
	blocker->verdict = klp_verdict_refine(verdict, where);
	blocker->where = where;
}

static int klp_task_see(struct task_struct *task, void *where)
{
	return klp_task_judge(task, where);
}

/**
 * klp_task_look() - find out what holds a task back, and change nothing
 * @task: a task that has not arrived
 * @where: out, for KLP_ON_STACK: the address on its stack that is in the way
 *
 * Context: as for klp_task_try(); the caller holds klp_mutex.
 * Return: KLP_CLEAR when nothing speaks against moving it, else what does.
 */
enum klp_verdict klp_task_look(struct task_struct *task, unsigned long *where)
{
	/* In the middle of looking: its stack says nothing about where it was before. */
	if (task == current)
		return KLP_RUNNING;
	return task_call_func(task, klp_task_see, where);
}

/**
 * klp_update_patch_state() - change over where no kernel code is left on the stack
 * @task: current
 *
 * Context: on the way to user mode and in the idle loop, where RCU may not be watching.
 */
void klp_update_patch_state(struct task_struct *task)
{
	/* G waits for this region. */
	preempt_disable_notrace();

	klp_task_take(task, is_idle_task(task) ? KLP_WAY_IDLE : KLP_WAY_EXIT);

	preempt_enable_notrace();
}

/**
 * __klp_sched_try_switch() - change over in cond_resched() if the stack allows it
 *
 * For tasks, kthreads above all, that neither sleep nor leave the kernel.
 *
 * Context: wherever cond_resched() is legal; takes no sleeping lock.
 */
void __klp_sched_try_switch(void)
{
	unsigned long where;

	if (likely(!klp_patch_pending(current)))
		return;

	/*
	 * Keeps the transition from moving this task at the same time, which it does only to
	 * tasks that do not run; and G waits for this region.
	 */
	guard(preempt)();

	if (!klp_patch_pending(current))
		return;

	/* B: the flag was seen; what was written before it was set is read after it. */
	smp_rmb();

	if (!klp_task_arrived(current) && klp_task_judge(current, &where) == KLP_CLEAR)
		klp_task_store(current, KLP_WAY_RESCHED);
}

KLP_EXPORT_HOOK(__klp_sched_try_switch);

/**
 * klp_copy_process() - a new task starts in the world of its parent
 * @child: a copy of current that nobody can find yet
 *
 * The thread flags were copied earlier, and the parent may have been moved since. It cannot be
 * now: the transition looks at running tasks but does not move them, and current is here. With
 * PREEMPT_RT it could be pushed aside, in spite of the lock, and be moved between flag and world.
 *
 * Context: fork, with tasklist_lock held for writing.
 */
void klp_copy_process(struct task_struct *child)
{
	guard(preempt)();

	if (klp_patch_pending(current))
		set_tsk_thread_flag(child, TIF_PATCH_PENDING);
	else
		clear_tsk_thread_flag(child, TIF_PATCH_PENDING);

	WRITE_ONCE(child->patch_state, READ_ONCE(current->patch_state));
}
