// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is a batch of sites (hook.c) made as ftrace and the index need it, and unmade without a trace?
 *
 * The addresses here are no functions: no batch is registered with ftrace. klp_mutex is held where
 * something changes, not by whole tests: another thread cleans up after them.
 */
#include <kunit/test.h>
#include <linux/ftrace.h>
#include "../internal.h"
#include "preempt.h"
#include "twin.h"

/* Address number @i, as far from the next as functions are. */
#define HOOK_IP(i)	(0x40000000UL + 16UL * (i))

const struct klp_twin klp_twin_of_hook = { klp_twin };

static struct klp_site *hook_insert(struct klp_hook *hook, unsigned long ip)
{
	guard(mutex)(&klp_mutex);
	return klp_hook_insert(hook, ip);
}

static void hook_free(void *hook)
{
	LIST_HEAD(gone);

	scoped_guard(mutex, &klp_mutex) {
		klp_hook_discard(hook);
		klp_hook_take(&gone);
	}
	klp_hook_bury(&gone);
}

static struct klp_hook *hook_make(struct kunit *test, unsigned int nr)
{
	struct klp_hook *hook;

	scoped_guard(mutex, &klp_mutex)
		hook = klp_hook_alloc(nr);
	KUNIT_ASSERT_NOT_NULL(test, hook);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, hook_free, hook), 0);
	return hook;
}

static const unsigned int hook_sizes[] = { 0, 1, 2, 33, 1000 };

static void hook_size_desc(const unsigned int *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u sites", *nr);
}

KUNIT_ARRAY_PARAM(hook_size, hook_sizes, hook_size_desc);

static void hook_alloc_test(struct kunit *test)
{
	struct klp_hook *hook = hook_make(test, *(const unsigned int *)test->param_value);

	KUNIT_EXPECT_EQ(test, hook->nr, 0);
	/* Shares no function with another who diverts calls, and cannot be switched off. */
	KUNIT_EXPECT_TRUE(test, hook->fops.flags & FTRACE_OPS_FL_IPMODIFY);
	KUNIT_EXPECT_TRUE(test, hook->fops.flags & FTRACE_OPS_FL_PERMANENT);
	/* Is waited for when it goes: sites and index are freed then. */
	KUNIT_EXPECT_TRUE(test, hook->fops.flags & FTRACE_OPS_FL_DYNAMIC);
	KUNIT_EXPECT_NOT_NULL(test, hook->fops.func);
	/* No size: the unwinder must not take the text for one that ftrace has made. */
	KUNIT_EXPECT_EQ(test, hook->fops.trampoline_size, 0);
}

static void hook_fill_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	struct klp_hook *hook = hook_make(test, nr);
	struct klp_site *site, *other;
	long w;

	for (i = 0; i < nr; i++) {
		site = hook_insert(hook, HOOK_IP(i));
		KUNIT_ASSERT_PTR_EQ(test, site, &hook->sites[i]);
		KUNIT_EXPECT_EQ(test, site->ip, HOOK_IP(i));
		for (w = -1; w <= 1; w++)
			KUNIT_EXPECT_NULL(test, site->dest[w]);
		KUNIT_EXPECT_TRUE(test, list_empty(&site->layers));
		KUNIT_EXPECT_FALSE(test, site->hooked);
		KUNIT_EXPECT_EQ(test, hook->nr, i + 1);
	}
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_PTR_EQ(test, klp_index_find(HOOK_IP(i)), &hook->sites[i]);

	/* Calls do not come here before it is registered. */
	klp_for_each_site(site) {
		for (other = hook->sites; other < hook->sites + nr; other++)
			KUNIT_EXPECT_PTR_NE(test, other, site);
	}
}

static void hook_free_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	struct klp_hook *hook = hook_make(test, nr);
	unsigned int live = klp_index->live;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_NOT_NULL(test, hook_insert(hook, HOOK_IP(i)));
	KUNIT_EXPECT_EQ(test, klp_index->live, live + nr);
	kunit_release_action(test, hook_free, hook);

	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_NULL(test, klp_index_find(HOOK_IP(i)));
	KUNIT_EXPECT_EQ(test, klp_index->live, live);
}

/* A call at the first site of a batch that is not registered. */
static void hook_call(void *arg)
{
	struct klp_hook *hook = arg;
	struct ftrace_regs fregs = { };

	hook->fops.func(HOOK_IP(0), 0, &hook->fops, &fregs);
}

/* The handler is called where there is a site, and where one has gone. */
static void hook_preempt_test(struct kunit *test)
{
	struct klp_hook *hook = hook_make(test, 1);

	preempt_expect_look(test, hook_call, hook);
	KUNIT_ASSERT_NOT_NULL(test, hook_insert(hook, HOOK_IP(0)));
	preempt_expect_look(test, hook_call, hook);
}

static struct kunit_case hook_test_cases[] = {
	KUNIT_CASE_PARAM(hook_alloc_test, hook_size_gen_params),
	KUNIT_CASE_PARAM(hook_fill_test, hook_size_gen_params),
	KUNIT_CASE_PARAM(hook_free_test, hook_size_gen_params),
	KUNIT_CASE(hook_preempt_test),
	{}
};

static struct kunit_suite hook_suite = {
	.name = "livepatch_hook",
	.test_cases = hook_test_cases,
};

kunit_test_suite(hook_suite);
