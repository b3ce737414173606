// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is every word seen that a task may return to, and none taken for harmless that is not (words.c)?
 *
 * With a task that does not exist and a stack that is made up; no transition has to be going on.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/rethook.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/sections.h>
#include "../internal.h"

/* Words between what the last switch has pushed and the registers of user mode. */
#define WORDS_DEEP	40
#define WORDS_GRAPH	(PAGE_SIZE / sizeof(unsigned long))

struct words_fixture {
	struct task_struct *task;
	unsigned long *sp, *regs;	/* the ends of its words */
	unsigned long *graph;
	struct klp_ranges *code, *text;
	struct klp_forbidden forbidden;
};

KUNIT_DEFINE_ACTION_WRAPPER(words_kvfree, kvfree, const void *);

static int words_init(struct kunit *test)
{
	struct words_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	void *stack = kvzalloc(THREAD_SIZE, GFP_KERNEL);

	if (!fix || !stack || kunit_add_action_or_reset(test, words_kvfree, stack))
		return -ENOMEM;
	test->priv = fix;
	fix->task = kunit_kzalloc(test, sizeof(*fix->task), GFP_KERNEL);
	fix->graph = kunit_kcalloc(test, WORDS_GRAPH, sizeof(*fix->graph), GFP_KERNEL);
	if (!fix->task || !fix->graph)
		return -ENOMEM;
	fix->task->stack = stack;
	fix->regs = (unsigned long *)task_pt_regs(fix->task);
	fix->sp = fix->regs - WORDS_DEEP;
	fix->task->thread.sp = (unsigned long)fix->sp;
	return 0;
}

static void words_exit(struct kunit *test)
{
	struct words_fixture *fix = test->priv;

	guard(mutex)(&klp_mutex);
	klp_words_forbid(&(struct klp_forbidden){});
	kvfree(fix->code);
	kvfree(fix->text);
}

/* The first address of a page in the middle of the kernel's text. */
static unsigned long words_page(unsigned int nr)
{
	return PAGE_ALIGN((unsigned long)_stext) + nr * PAGE_SIZE;
}

/* [start, end) may not be executed, as part of the code or of a module's text. */
static void words_forbid(struct kunit *test, struct klp_ranges **set, unsigned long start,
			 unsigned long end)
{
	struct words_fixture *fix = test->priv;

	KUNIT_ASSERT_EQ(test, klp_ranges_add(set, start, end), 0);
	klp_ranges_seal(*set);
	fix->forbidden = (struct klp_forbidden){ .code = fix->code, .text = fix->text };
	guard(mutex)(&klp_mutex);
	klp_words_forbid(&fix->forbidden);
}

static bool words_clear(const struct words_fixture *fix)
{
	guard(mutex)(&klp_mutex);
	guard(preempt)();
	return klp_words_clear(fix->task, &fix->forbidden);
}

/* Is the task clear with @word at @where? */
static bool words_clear_with(const struct words_fixture *fix, unsigned long *where,
			     unsigned long word)
{
	bool clear;

	*where = word;
	clear = words_clear(fix);
	*where = 0;
	return clear;
}

static void words_places_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long bad = words_page(1) + 0x120;
	unsigned long *where;

	words_forbid(test, &fix->code, words_page(1) + 0x100, words_page(1) + 0x180);
	KUNIT_EXPECT_TRUE(test, words_clear(fix));

	for (where = fix->sp; where < fix->regs; where++)
		KUNIT_EXPECT_FALSE_MSG(test, words_clear_with(fix, where, bad), "word %td",
				       where - fix->sp);
	/* What it has done before, and what the user had in his registers. */
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->sp - 1, bad));
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->regs, bad));

	/* Nothing but the registers of user mode, as in an idle task that has not run. */
	fix->task->thread.sp = (unsigned long)fix->regs;
	KUNIT_EXPECT_TRUE(test, words_clear(fix));
}

static void words_stack_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long wrong[] = {
		(unsigned long)fix->sp + 1,
		(unsigned long)fix->sp + 4,
		(unsigned long)(fix->regs + 1),
		(unsigned long)fix->task->stack - sizeof(long),
		(unsigned long)fix->task->stack + THREAD_SIZE,
		0,
	};
	unsigned int i;

	words_forbid(test, &fix->code, words_page(1), words_page(1) + 0x10);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		fix->task->thread.sp = wrong[i];
		KUNIT_EXPECT_FALSE_MSG(test, words_clear(fix), "stack pointer %u", i);
	}
	fix->task->thread.sp = (unsigned long)fix->task->stack;
	KUNIT_EXPECT_TRUE(test, words_clear(fix));
}

/* Around a piece of code whose end is the last byte of a page, and in pages of the same bit. */
static void words_values_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long start = words_page(3) - 0x40, end = words_page(3);
	const unsigned long harmless[] = {
		0, 1, end & UINT_MAX, start - 1, end + 1, start + SZ_16M, end - SZ_16M,
		start & ~BIT(63), -EINVAL, ULONG_MAX, (unsigned long)fix->task,
		(unsigned long)&klp_mutex, words_page(2), words_page(3) + 0x40,
	};
	unsigned int i;

	words_forbid(test, &fix->code, start, end);
	for (i = 0; i < ARRAY_SIZE(harmless); i++)
		KUNIT_EXPECT_TRUE_MSG(test, words_clear_with(fix, fix->sp, harmless[i]),
				      "word %lx", harmless[i]);
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, start));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, end - 1));
	/* Where a function returns to that ends with a call, on the next page. */
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, end));
}

static void words_sets_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;

	words_forbid(test, &fix->text, words_page(5), words_page(5) + 0x10);
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, words_page(5)));
	words_forbid(test, &fix->code, words_page(7), words_page(7) + 0x10);
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, words_page(5)));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, words_page(7)));

	/* For some tasks, some of it is allowed. */
	fix->forbidden.text = NULL;
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->sp, words_page(5)));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, words_page(7)));
}

/* What has been harmless once is not for good, nor what another page's was told of. */
static void words_later_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long near = words_page(11), far = near + SZ_4M;

	words_forbid(test, &fix->code, words_page(1), words_page(1) + 0x10);
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->sp, near + 8));
	words_forbid(test, &fix->code, far, far + 0x10);
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->sp, near + 8));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, far + 8));
	words_forbid(test, &fix->text, near, near + 0x10);
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, near + 8));
}

/* A module with more pages of text than there are bits. */
static void words_large_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long start = words_page(9) + 0x10, end = start + SZ_32M;
	unsigned long addr;

	words_forbid(test, &fix->text, start, end);
	for (addr = start; addr <= end; addr += 7 * PAGE_SIZE)
		KUNIT_EXPECT_FALSE_MSG(test, words_clear_with(fix, fix->sp, addr), "address %lx",
				       addr);
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->sp, start - 1));
}

/* Where modules go, and no module is: that may be a detour of kprobes, or a BPF program. */
static void words_generated_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;

	words_forbid(test, &fix->code, words_page(1), words_page(1) + 0x10);
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->sp, MODULES_END - PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->sp, MODULES_END));
}

static void words_graph_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long bad = words_page(1) + 8;

	words_forbid(test, &fix->code, words_page(1), words_page(1) + 0x10);
	fix->task->ret_stack = fix->graph;
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->graph, bad));
	fix->task->curr_ret_stack = 3;
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->graph, bad));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->graph + 2, bad));
	KUNIT_EXPECT_TRUE(test, words_clear_with(fix, fix->graph + 3, bad));
	KUNIT_EXPECT_TRUE(test, words_clear(fix));

	fix->task->curr_ret_stack = WORDS_GRAPH;
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, fix->graph + WORDS_GRAPH - 1, bad));
	fix->task->curr_ret_stack = WORDS_GRAPH + 1;
	KUNIT_EXPECT_FALSE(test, words_clear(fix));
	fix->task->curr_ret_stack = -1;
	KUNIT_EXPECT_FALSE(test, words_clear(fix));
}

static void words_rethook_test(struct kunit *test)
{
	struct words_fixture *fix = test->priv;
	const unsigned long bad = words_page(1) + 8;
	struct rethook_node node[2] = {};

	words_forbid(test, &fix->code, words_page(1), words_page(1) + 0x10);
	__llist_add(&node[0].llist, &fix->task->rethooks);
	__llist_add(&node[1].llist, &fix->task->rethooks);
	KUNIT_EXPECT_TRUE(test, words_clear(fix));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, &node[0].ret_addr, bad));
	KUNIT_EXPECT_FALSE(test, words_clear_with(fix, &node[1].ret_addr, bad));
}

static struct kunit_case words_test_cases[] = {
	KUNIT_CASE(words_places_test),
	KUNIT_CASE(words_stack_test),
	KUNIT_CASE(words_values_test),
	KUNIT_CASE(words_sets_test),
	KUNIT_CASE(words_later_test),
	KUNIT_CASE(words_large_test),
	KUNIT_CASE(words_generated_test),
	KUNIT_CASE(words_graph_test),
	KUNIT_CASE(words_rethook_test),
	{}
};

static struct kunit_suite words_suite = {
	.name = "livepatch_words",
	.init = words_init,
	.exit = words_exit,
	.test_cases = words_test_cases,
};

kunit_test_suite(words_suite);
