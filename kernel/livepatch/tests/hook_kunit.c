// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the index of a batch of sites (hook.c) find what was put in, and nothing else?
 *
 * The addresses here are no functions: no batch is registered with ftrace.
 */
#include <kunit/test.h>
#include <linux/ftrace.h>
#include <linux/hash.h>
#include "../internal.h"
#include "twin.h"

/* Address number @i, as far from the next as functions are. */
#define HOOK_IP(i)	(0x40000000UL + 16UL * (i))

/* A sentinel for a value that the code under test must leave alone. */
#define HOOK_MARK	((void *)0x4d41524bUL)

const struct klp_twin klp_twin_of_hook = { klp_twin };

KUNIT_DEFINE_ACTION_WRAPPER(hook_free, klp_hook_free, struct klp_hook *);

static struct klp_hook *hook_make(struct kunit *test, unsigned int nr)
{
	struct klp_hook *hook = klp_hook_alloc(nr);

	KUNIT_ASSERT_NOT_NULL(test, hook);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, hook_free, hook), 0);
	/* Without an empty slot the searches below would not end. */
	KUNIT_ASSERT_GT(test, 1UL << hook->bits, nr);
	return hook;
}

static unsigned long hook_slots(const struct klp_hook *hook)
{
	return 1UL << hook->bits;
}

/* A site lies in the table of its batch. */
static bool hook_owns(const struct klp_hook *hook, const struct klp_site *site)
{
	return site >= hook->sites && site < hook->sites + hook_slots(hook);
}

/* Find @nr different addresses that the index would all like to have in the same slot. */
static void hook_collide(struct kunit *test, const struct klp_hook *hook, unsigned long slot,
			 unsigned long *ips, unsigned int nr)
{
	unsigned long i, found = 0, limit = 4 * (nr + 16) * hook_slots(hook);

	for (i = 0; i < limit && found < nr; i++) {
		if (hash_long(HOOK_IP(i), hook->bits) == slot)
			ips[found++] = HOOK_IP(i);
	}
	KUNIT_ASSERT_EQ(test, found, nr);
}

static const unsigned int hook_sizes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000 };

static void hook_size_desc(const unsigned int *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u sites", *nr);
}

KUNIT_ARRAY_PARAM(hook_size, hook_sizes, hook_size_desc);

static void hook_alloc_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	struct klp_hook *hook = hook_make(test, nr);

	KUNIT_EXPECT_EQ(test, hook->nr, 0);
	/* Half empty when it is full, so that searches end; not more than needed for that. */
	KUNIT_EXPECT_GE(test, hook_slots(hook), 2UL * nr);
	KUNIT_EXPECT_LT(test, hook_slots(hook), max(4UL * nr, 3));
	/* Shares no function with another who diverts calls, and cannot be switched off. */
	KUNIT_EXPECT_TRUE(test, hook->fops.flags & FTRACE_OPS_FL_IPMODIFY);
	KUNIT_EXPECT_TRUE(test, hook->fops.flags & FTRACE_OPS_FL_PERMANENT);
	KUNIT_EXPECT_NOT_NULL(test, hook->fops.func);

	for (i = 0; i < 2 * nr; i++)
		KUNIT_EXPECT_NULL(test, klp_hook_lookup(hook, HOOK_IP(i)));
}

/* Fill a batch up to what it was made for. */
static void hook_fill_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	struct klp_hook *hook = hook_make(test, nr);
	struct klp_site *site;

	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_NULL(test, klp_hook_lookup(hook, HOOK_IP(i)));

		site = klp_hook_insert(hook, HOOK_IP(i));
		KUNIT_ASSERT_TRUE(test, hook_owns(hook, site));
		KUNIT_EXPECT_EQ(test, site->ip, HOOK_IP(i));
		KUNIT_EXPECT_NULL(test, site->dest[0]);
		KUNIT_EXPECT_NULL(test, site->dest[1]);
		KUNIT_EXPECT_TRUE(test, list_empty(&site->layers));
		KUNIT_EXPECT_FALSE(test, site->hooked);
		KUNIT_EXPECT_EQ(test, hook->nr, i + 1);
		/* Tells the sites apart below. */
		site->dest[0] = (void *)HOOK_IP(i);
	}

	for (i = 0; i < nr; i++) {
		site = klp_hook_lookup(hook, HOOK_IP(i));
		KUNIT_ASSERT_NOT_NULL(test, site);
		KUNIT_EXPECT_EQ(test, site->ip, HOOK_IP(i));
		KUNIT_EXPECT_PTR_EQ(test, site->dest[0], (void *)HOOK_IP(i));
	}
	for (i = nr; i < 10 * nr; i++)
		KUNIT_EXPECT_NULL(test, klp_hook_lookup(hook, HOOK_IP(i)));
	KUNIT_EXPECT_EQ(test, hook->nr, nr);
}

/* As many addresses as the batch is made for, all for one slot; the last one has to wrap around. */
static void hook_collision_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	struct klp_hook *hook = hook_make(test, nr);
	unsigned long last = hook_slots(hook) - 1, slot, *ips;

	ips = kunit_kmalloc_array(test, nr + 1, sizeof(*ips), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ips);

	for (slot = 0; slot <= last; slot += last) {
		hook = hook_make(test, nr);
		hook_collide(test, hook, slot, ips, nr + 1);

		for (i = 0; i < nr; i++) {
			KUNIT_EXPECT_NULL(test, klp_hook_lookup(hook, ips[i]));
			KUNIT_EXPECT_TRUE(test, hook_owns(hook, klp_hook_insert(hook, ips[i])));
		}
		KUNIT_EXPECT_EQ(test, hook->nr, nr);
		for (i = 0; i < nr; i++) {
			const struct klp_site *site = klp_hook_lookup(hook, ips[i]);

			KUNIT_ASSERT_NOT_NULL(test, site);
			KUNIT_EXPECT_EQ(test, site->ip, ips[i]);
		}
		KUNIT_EXPECT_NULL(test, klp_hook_lookup(hook, ips[nr]));
	}
}

/* Two functions of a patch at one address are one site, and what is there stays. */
static void hook_duplicate_test(struct kunit *test)
{
	struct klp_hook *hook = hook_make(test, 4);
	struct klp_func func = {};
	struct klp_layer layer = { .func = &func };
	struct klp_site *site;
	unsigned int i;

	for (i = 0; i < 4; i++)
		klp_hook_insert(hook, HOOK_IP(i));
	site = klp_hook_lookup(hook, HOOK_IP(2));
	KUNIT_ASSERT_NOT_NULL(test, site);
	site->dest[1] = HOOK_MARK;
	klp_site_push(site, &layer);

	KUNIT_EXPECT_PTR_EQ(test, klp_hook_insert(hook, HOOK_IP(2)), site);
	KUNIT_EXPECT_EQ(test, hook->nr, 4);
	KUNIT_EXPECT_PTR_EQ(test, site->dest[1], HOOK_MARK);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&site->layers));
}

static void hook_unregistered_test(struct kunit *test)
{
	struct klp_hook *hook = hook_make(test, 1);
	struct klp_site *site = klp_hook_insert(hook, HOOK_IP(0)), *other;

	guard(mutex)(&klp_mutex);

	KUNIT_EXPECT_NULL(test, klp_hook_find(HOOK_IP(0)));
	klp_for_each_site(other)
		KUNIT_EXPECT_PTR_NE(test, other, site);
}

static struct kunit_case hook_test_cases[] = {
	KUNIT_CASE_PARAM(hook_alloc_test, hook_size_gen_params),
	KUNIT_CASE_PARAM(hook_fill_test, hook_size_gen_params),
	KUNIT_CASE_PARAM(hook_collision_test, hook_size_gen_params),
	KUNIT_CASE(hook_duplicate_test),
	KUNIT_CASE(hook_unregistered_test),
	{}
};

static struct kunit_suite hook_suite = {
	.name = "livepatch_hook",
	.test_cases = hook_test_cases,
};

kunit_test_suite(hook_suite);
