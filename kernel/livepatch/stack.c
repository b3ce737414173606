// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is a task in code that it has to leave?
 *
 * Most are not, and that can be seen by a look at the words that they could return to (words.c).
 * Others are unwound, frame by frame, as deep as it goes.
 */
#include <linux/filter.h>
#include <linux/kthread.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include "internal.h"

/*
 * The code that has to be left, see struct klp_forbidden. Written under klp_mutex (A), read by the
 * transition under klp_mutex and by tasks in cond_resched() with preemption off (B).
 */
static struct klp_ranges __rcu *klp_stack_code;
static struct klp_ranges __rcu *klp_stack_text;

/* How many stacks of others had to be unwound in this transition; klp_mutex. */
static unsigned int klp_stack_unwindings;

static void klp_stack_set_ranges(struct klp_ranges __rcu **where, struct klp_ranges *set)
{
	set = rcu_replace_pointer(*where, set, lockdep_is_held(&klp_mutex));
	if (set)
		kvfree_rcu(set, rcu);
}

/**
 * klp_stack_set_forbidden() - replace the code that tasks have to leave
 * @forbidden: sealed sets, which belong to the callee
 *
 * Context: process context; klp_mutex held.
 */
void klp_stack_set_forbidden(const struct klp_forbidden *forbidden)
{
	klp_words_forbid(forbidden);
	klp_stack_set_ranges(&klp_stack_code, forbidden->code);
	klp_stack_set_ranges(&klp_stack_text, forbidden->text);
}

/* How many stacks of others had to be unwound since klp_stack_count()? klp_mutex. */
unsigned int klp_stack_unwound(void)
{
	return klp_stack_unwindings;
}

/* Count stacks that have to be unwound from 0 on. klp_mutex. */
void klp_stack_count(void)
{
	klp_stack_unwindings = 0;
}

struct klp_stack_walk {
	struct klp_forbidden forbidden;
	enum klp_verdict verdict;
	unsigned long where;
};

/*
 * Does a frame with this address hide where the task is going to? A BPF program at the entry of a
 * function may sleep, after it has been decided where the call goes. The trampoline that has called
 * the program keeps that in a register on s390; elsewhere it returns there.
 */
static bool klp_stack_hides(unsigned long addr)
{
	return IS_ENABLED(CONFIG_S390) && is_bpf_text_address(addr);
}

static bool klp_stack_frame(void *cookie, unsigned long addr)
{
	struct klp_stack_walk *walk = cookie;

	if (klp_stack_hides(addr)) {
		walk->verdict = KLP_UNRELIABLE;
		return false;
	}
	if (!klp_ranges_contain(walk->forbidden.code, addr) &&
	    !klp_ranges_contain(walk->forbidden.text, addr))
		return true;
	walk->verdict = KLP_ON_STACK;
	walk->where = addr;
	return false;
}

/* Frame by frame, as deep as it goes; the first forbidden address ends it, and is noted. */
static enum klp_verdict klp_stack_unwind(struct task_struct *task, struct klp_stack_walk *walk)
{
	int ret = arch_stack_walk_reliable(klp_stack_frame, walk, task);

	if (ret && walk->verdict == KLP_CLEAR)
		return KLP_UNRELIABLE;
	return walk->verdict;
}

/* Most tasks can be seen to be clear; but current, whose stack moves, and suspects are unwound. */
static enum klp_verdict klp_stack_look(struct task_struct *task, struct klp_stack_walk *walk)
{
	if (task == current)
		return klp_stack_unwind(task, walk);
	if (!klp_words_clear(task, &walk->forbidden)) {
		klp_stack_unwindings++;
		return klp_stack_unwind(task, walk);
	}

	WARN_ONCE(IS_ENABLED(CONFIG_LIVEPATCH_VERIFY_WORDS) &&
		  klp_stack_unwind(task, walk) == KLP_ON_STACK,
		  "livepatch: no word of %s/%d leads to %pS, where it returns to\n",
		  task->comm, task->pid, (void *)walk->where);
	return KLP_CLEAR;
}

/**
 * klp_stack_check() - is a task in code that it has to leave?
 * @task: a task that does not run and cannot begin to, or current
 * @where: out, for KLP_ON_STACK: the address that is in the way
 *
 * Context: any, takes no lock; klp_mutex held, or preemption off for current.
 * Return: KLP_CLEAR, KLP_ON_STACK, or KLP_UNRELIABLE when that cannot be told.
 */
enum klp_verdict klp_stack_check(struct task_struct *task, unsigned long *where)
{
	struct klp_stack_walk walk = { .verdict = KLP_CLEAR };
	enum klp_verdict verdict;

	/* Whoever gets here holds klp_mutex or has preemption off. */
	walk.forbidden.code = rcu_dereference_raw(klp_stack_code);
	walk.forbidden.text = rcu_dereference_raw(klp_stack_text);

	/* A thread that a patch runs itself would never leave: its functions are what counts. */
	if (walk.forbidden.text &&
	    klp_ranges_contain(walk.forbidden.text, (unsigned long)kthread_func(task)))
		walk.forbidden.text = NULL;

	/* A task that has given its stack back is in nobody's code. */
	if (!try_get_task_stack(task))
		return KLP_CLEAR;
	verdict = klp_stack_look(task, &walk);
	put_task_stack(task);

	if (verdict == KLP_ON_STACK)
		*where = walk.where;
	return verdict;
}
