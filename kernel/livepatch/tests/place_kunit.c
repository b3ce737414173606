// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the place of a function found where it is, and nowhere else (place.c)?
 */
#include <kunit/test.h>
#include <linux/compiler.h>
#include <linux/kallsyms.h>
#include "../internal.h"

static noinline int place_traced(int arg)
{
	OPTIMIZER_HIDE_VAR(arg);
	return arg;
}

static noinline notrace int place_untraced(int arg)
{
	OPTIMIZER_HIDE_VAR(arg);
	return arg;
}

static struct klp_range place_body(struct kunit *test, void *func)
{
	unsigned long addr = (unsigned long)func, size;

	KUNIT_ASSERT_TRUE(test, kallsyms_lookup_size_offset(addr, &size, NULL));
	return (struct klp_range){ .start = addr, .end = addr + size };
}

static void place_own_test(struct kunit *test)
{
	struct klp_range body = place_body(test, place_traced);
	unsigned long ip = ftrace_location(body.start);

	KUNIT_ASSERT_NE(test, ip, 0);
	KUNIT_EXPECT_EQ(test, klp_place_find(&body), ip);
}

static void place_none_test(struct kunit *test)
{
	struct klp_range body = place_body(test, place_untraced);

	KUNIT_EXPECT_EQ(test, klp_place_find(&body), 0);
}

/* Somebody else's place further on, in the next function at the earliest. */
static void place_behind_test(struct kunit *test)
{
	struct klp_range body = place_body(test, place_traced);
	unsigned long ip = ftrace_location(body.start), start;

	for (start = ip - 12; start < ip - KLP_PLACE_REACH; start++) {
		body.start = start;
		KUNIT_ASSERT_EQ(test, ftrace_location_range(body.start, body.end - 1), ip);
		KUNIT_EXPECT_EQ(test, klp_place_find(&body), 0);
	}
}

/* One in front, which ends in the range. */
static void place_before_test(struct kunit *test)
{
	struct klp_range body = place_body(test, place_traced);
	unsigned long ip = ftrace_location(body.start);

	for (body.start = ip + 1; body.start < ip + MCOUNT_INSN_SIZE; body.start++)
		KUNIT_EXPECT_EQ(test, klp_place_find(&body), 0);
}

/* The function ends before its place would come. */
static void place_short_test(struct kunit *test)
{
	struct klp_range body = place_body(test, place_traced);
	unsigned long ip = ftrace_location(body.start);

	for (body.end = body.start + 1; body.end <= ip; body.end++)
		KUNIT_EXPECT_EQ(test, klp_place_find(&body), 0);
	body.end = ip + 1;
	KUNIT_EXPECT_EQ(test, klp_place_find(&body), ip);
}

static struct kunit_case place_test_cases[] = {
	KUNIT_CASE(place_own_test),
	KUNIT_CASE(place_none_test),
	KUNIT_CASE(place_behind_test),
	KUNIT_CASE(place_before_test),
	KUNIT_CASE(place_short_test),
	{}
};

static struct kunit_suite place_suite = {
	.name = "livepatch_place",
	.test_cases = place_test_cases,
};

kunit_test_suite(place_suite);
