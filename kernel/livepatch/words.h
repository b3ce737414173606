/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where may a task that does not run have the addresses that it is going to return to?
 *
 * On its stack, and where tracers keep what they have taken from there. An architecture that tells
 * here where all of them are saves most tasks from being unwound, see words.c; Documentation/
 * livepatch/reliable-stacktrace.rst says what it has to consider.
 */
#ifndef _LIVEPATCH_WORDS_H
#define _LIVEPATCH_WORDS_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rethook.h>
#include <linux/sched/task_stack.h>
#include <asm/sections.h>

#ifdef CONFIG_X86_64
#define KLP_HAVE_WORDS		1

/* No code lies below. */
#define KLP_WORDS_FLOOR		((unsigned long)_stext)

/* From what the last switch has pushed to the registers of user mode; false: it is elsewhere. */
static __always_inline bool klp_words_stack(struct task_struct *task, const unsigned long **from,
					    const unsigned long **to)
{
	unsigned long sp = READ_ONCE(task->thread.sp);

	*from = (const unsigned long *)sp;
	*to = (const unsigned long *)task_pt_regs(task);
	return IS_ALIGNED(sp, sizeof(sp)) && *from >= end_of_stack(task) && *from <= *to;
}

/*
 * Is @word, not below the floor, where modules go? There is also all code that is generated: that
 * of BPF, ftrace and kprobes.
 */
static __always_inline bool klp_word_in_modules(unsigned long word)
{
	return word - MODULES_VADDR < MODULES_END - MODULES_VADDR;
}
#else
#define KLP_HAVE_WORDS		0
#define KLP_WORDS_FLOOR		0UL

static inline bool klp_words_stack(struct task_struct *task, const unsigned long **from,
				   const unsigned long **to)
{
	return false;
}

static inline bool klp_word_in_modules(unsigned long word)
{
	return true;
}
#endif

/* What function graph has taken, and more that is harmless; false: it makes no sense. */
#ifdef CONFIG_FUNCTION_GRAPH_TRACER
static __always_inline bool klp_words_graph(const struct task_struct *task,
					    const unsigned long **from, const unsigned long **to)
{
	unsigned int nr;

	*from = READ_ONCE(task->ret_stack);
	*to = *from;
	if (likely(!*from))
		return true;
	/* It may have been given its stack just now: the pointer comes last. */
	smp_rmb();
	nr = READ_ONCE(task->curr_ret_stack);
	*to += nr;
	return nr <= PAGE_SIZE / sizeof(**from);
}
#else
static inline bool klp_words_graph(const struct task_struct *task, const unsigned long **from,
				   const unsigned long **to)
{
	*from = NULL;
	*to = NULL;
	return true;
}
#endif

/* What kretprobes and fprobes have taken: one after the other, NULL to start and at the end. */
#ifdef CONFIG_RETHOOK
static inline const struct rethook_node *klp_words_rethook(const struct task_struct *task,
							   const struct rethook_node *last)
{
	const struct llist_node *at = last ? last->llist.next : READ_ONCE(task->rethooks.first);

	return at ? llist_entry(at, struct rethook_node, llist) : NULL;
}
#else
static inline const struct rethook_node *klp_words_rethook(const struct task_struct *task,
							   const struct rethook_node *last)
{
	return NULL;
}
#endif

#if defined(CONFIG_KRETPROBES) && !defined(CONFIG_KRETPROBE_ON_RETHOOK)
#define klp_words_kretprobes(task)	(!llist_empty(&(task)->kretprobe_instances))
#else
#define klp_words_kretprobes(task)	((void)(task), false)
#endif

#endif /* _LIVEPATCH_WORDS_H */
