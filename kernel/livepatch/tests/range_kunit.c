// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do sets of code addresses (range.c) contain what was put in, and nothing else?
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include "../internal.h"

#define RANGES_MOST	6
#define RANGES_SPACE	64

/* One set: what goes in, and what has to be there after sealing, both ended by an empty range. */
struct ranges_case {
	const char *name;
	struct klp_range in[RANGES_MOST + 1];
	struct klp_range sealed[RANGES_MOST + 1];
};

static const struct ranges_case ranges_cases[] = {
	{ "nothing" },
	{ "one", { { 10, 20 } }, { { 10, 20 } } },
	{ "one address", { { 10, 11 } }, { { 10, 11 } } },
	{ "unsorted", { { 50, 60 }, { 10, 20 }, { 30, 40 } },
	  { { 10, 20 }, { 30, 40 }, { 50, 60 } } },
	{ "same twice", { { 10, 20 }, { 10, 20 } }, { { 10, 20 } } },
	{ "overlap", { { 15, 30 }, { 10, 20 } }, { { 10, 30 } } },
	{ "adjacent", { { 20, 30 }, { 10, 20 } }, { { 10, 30 } } },
	{ "hole of one", { { 21, 30 }, { 10, 20 } }, { { 10, 20 }, { 21, 30 } } },
	{ "inside, long one first", { { 10, 40 }, { 20, 30 } }, { { 10, 40 } } },
	{ "same start, short one first", { { 10, 20 }, { 10, 40 }, { 30, 50 } }, { { 10, 50 } } },
	{ "chain", { { 40, 50 }, { 30, 40 }, { 20, 30 }, { 10, 20 }, { 52, 60 } },
	  { { 10, 50 }, { 52, 60 } } },
	{ "a single address", { { 10, 10 } }, { { 10, 10 } } },
	{ "single ones around a range",
	  { { 21, 21 }, { 20, 20 }, { 10, 20 }, { 10, 10 }, { 9, 9 } },
	  { { 9, 9 }, { 10, 20 }, { 21, 21 } } },
	{ "one covers all", { { 20, 25 }, { 30, 35 }, { 1, 60 }, { 40, 45 } }, { { 1, 60 } } },
};

KUNIT_ARRAY_PARAM_DESC(ranges, ranges_cases, name);

KUNIT_DEFINE_ACTION_WRAPPER(ranges_free, kvfree, const void *);

static struct klp_ranges *ranges_make(struct kunit *test, const struct klp_range *in)
{
	struct klp_ranges *set = NULL;

	for (; in->end; in++) {
		if (in->start == in->end)
			KUNIT_EXPECT_EQ(test, klp_ranges_add_addr(&set, in->start), 0);
		else
			KUNIT_EXPECT_EQ(test, klp_ranges_add(&set, in->start, in->end), 0);
	}
	if (set)
		KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, ranges_free, set), 0);
	return set;
}

static void ranges_seal_test(struct kunit *test)
{
	const struct ranges_case *param = test->param_value;
	struct klp_ranges *set = ranges_make(test, param->in);
	unsigned int nr = 0;

	klp_ranges_seal(set);

	for (; param->sealed[nr].end; nr++) {
		KUNIT_ASSERT_LT(test, nr, set->nr);
		KUNIT_EXPECT_EQ(test, set->range[nr].start, param->sealed[nr].start);
		KUNIT_EXPECT_EQ(test, set->range[nr].end, param->sealed[nr].end);
	}
	KUNIT_EXPECT_EQ(test, set ? set->nr : 0, nr);
}

/* Every address is looked up, and judged by the ranges as they were put in. */
static void ranges_contain_test(struct kunit *test)
{
	const struct ranges_case *param = test->param_value;
	struct klp_ranges *set = ranges_make(test, param->in);
	const struct klp_range *in;
	unsigned long addr;

	klp_ranges_seal(set);

	for (addr = 0; addr < RANGES_SPACE; addr++) {
		bool inside = false;

		/* The address behind a call that ends a function is a return address as well. */
		for (in = param->in; in->end; in++)
			inside |= addr >= in->start && addr <= in->end;
		KUNIT_EXPECT_EQ_MSG(test, klp_ranges_contain(set, addr), inside, "address %lu",
				    addr);
	}
}

static void ranges_empty_test(struct kunit *test)
{
	struct klp_ranges *set = NULL;

	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(NULL, 0));
	klp_ranges_seal(NULL);

	KUNIT_EXPECT_EQ(test, klp_ranges_add(&set, 10, 10), 0);
	KUNIT_EXPECT_EQ(test, klp_ranges_add(&set, 30, 20), 0);
	klp_ranges_seal(set);
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, 10));
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, 20));
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, 25));
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, 30));
	kvfree(set);
}

/* The ends of the address space, where careless arithmetic wraps around. */
static void ranges_limits_test(struct kunit *test)
{
	const struct klp_range in[] = {
		{ ULONG_MAX - 1, ULONG_MAX },
		{ 0, 1 },
		{ LONG_MAX, (unsigned long)LONG_MAX + 2 },
		{}
	};
	struct klp_ranges *set = ranges_make(test, in);

	KUNIT_ASSERT_NOT_NULL(test, set);
	klp_ranges_seal(set);

	KUNIT_EXPECT_EQ(test, set->nr, 3);
	KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, 0));
	KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, 1));
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, 2));
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, LONG_MAX - 1));
	KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, LONG_MAX));
	KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, (unsigned long)LONG_MAX + 1));
	KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, ULONG_MAX - 2));
	KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, ULONG_MAX - 1));
	KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, ULONG_MAX));
}

/* Far more ranges than a set has room for at first, in an order that is neither up nor down. */
static void ranges_many_test(struct kunit *test)
{
	const unsigned long nr = 1009, step = 389;
	struct klp_ranges *set = NULL;
	unsigned long i, start;

	for (i = 0; i < nr; i++) {
		start = 1000 + (i * step) % nr * 10;
		KUNIT_EXPECT_EQ(test, klp_ranges_add(&set, start, start + 5), 0);
	}
	KUNIT_ASSERT_NOT_NULL(test, set);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, ranges_free, set), 0);
	KUNIT_EXPECT_EQ(test, set->nr, nr);
	KUNIT_EXPECT_GE(test, set->max, set->nr);

	klp_ranges_seal(set);
	KUNIT_EXPECT_EQ(test, set->nr, nr);
	for (i = 0; i < nr; i++) {
		start = 1000 + i * 10;
		KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, start - 1));
		KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, start));
		KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, start + 5));
		KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, start + 6));
	}
}

static struct kunit_case ranges_test_cases[] = {
	KUNIT_CASE_PARAM(ranges_seal_test, ranges_gen_params),
	KUNIT_CASE_PARAM(ranges_contain_test, ranges_gen_params),
	KUNIT_CASE(ranges_empty_test),
	KUNIT_CASE(ranges_limits_test),
	KUNIT_CASE(ranges_many_test),
	{}
};

static struct kunit_suite ranges_suite = {
	.name = "livepatch_range",
	.test_cases = ranges_test_cases,
};

kunit_test_suite(ranges_suite);
