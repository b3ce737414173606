// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the store of shadow variables (shadow_store.c) grow when it has to, and are the records of
 * ids right and gone in the end?
 */
#include <kunit/test.h>
#include <linux/irqflags.h>
#include "../internal.h"
#include "shadow.h"

/* Ids of our own, so that the tests may run beside patches that use shadow variables. */
#define STORE_ID	0x4b554e4954530000UL
#define STORE_OTHER	(STORE_ID + 1)

#define STORE_BURST	2000
#define STORE_MANY	20000

/* Objects to attach variables to: that they are apart is all. */
static char store_obj[STORE_MANY];

static void store_exit(struct kunit *test)
{
	klp_shadow_free_all(STORE_ID, NULL);
	klp_shadow_free_all(STORE_OTHER, NULL);
}

static void *store_make(unsigned int i, unsigned long id, size_t size)
{
	return klp_shadow_alloc(&store_obj[i], id, size, GFP_KERNEL, NULL, NULL);
}

/* Numbers and bytes follow what is there; the record goes with the last variable. */
static void store_count_test(struct kunit *test)
{
	shadow_expect_count(test, STORE_ID, SHADOW_NO_LINE, 0);
	KUNIT_ASSERT_NOT_NULL(test, store_make(0, STORE_ID, 3));
	shadow_expect_count(test, STORE_ID, 1, 3);
	KUNIT_ASSERT_NOT_NULL(test, store_make(1, STORE_ID, 1000));
	KUNIT_ASSERT_NOT_NULL(test, store_make(2, STORE_ID, 0));
	shadow_expect_count(test, STORE_ID, 3, 1003);
	shadow_expect_count(test, STORE_OTHER, SHADOW_NO_LINE, 0);
	KUNIT_ASSERT_NOT_NULL(test, store_make(0, STORE_OTHER, 20));
	shadow_expect_count(test, STORE_OTHER, 1, 20);

	/* Found, not made. */
	KUNIT_ASSERT_NOT_NULL(test, klp_shadow_get_or_alloc(&store_obj[0], STORE_ID, 100,
							    GFP_KERNEL, NULL, NULL));
	shadow_expect_count(test, STORE_ID, 3, 1003);

	klp_shadow_free(&store_obj[1], STORE_ID, NULL);
	shadow_expect_count(test, STORE_ID, 2, 3);
	klp_shadow_free(&store_obj[0], STORE_ID, NULL);
	klp_shadow_free(&store_obj[2], STORE_ID, NULL);
	shadow_expect_count(test, STORE_ID, SHADOW_NO_LINE, 0);
	shadow_expect_count(test, STORE_OTHER, 1, 20);
	klp_shadow_free_all(STORE_OTHER, NULL);
	shadow_expect_count(test, STORE_OTHER, SHADOW_NO_LINE, 0);
}

static int store_refuse(void *obj, void *shadow_data, void *ctor_data)
{
	return -ENOMEM;
}

static void *store_make_in_vain(unsigned int i)
{
	return klp_shadow_alloc(&store_obj[i], STORE_ID, 8, GFP_KERNEL, store_refuse, NULL);
}

/* A constructor that fails leaves no record, and counts nothing in one that is there. */
static void store_refused_test(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, store_make_in_vain(0));
	shadow_expect_count(test, STORE_ID, SHADOW_NO_LINE, 0);

	KUNIT_ASSERT_NOT_NULL(test, store_make(0, STORE_ID, 8));
	KUNIT_EXPECT_NULL(test, store_make_in_vain(1));
	shadow_expect_count(test, STORE_ID, 1, 8);
}

/* The table has to grow while its worker cannot: no insertion fails. */
static void store_burst_test(struct kunit *test)
{
	unsigned int i, made = 0, found = 0;
	unsigned long flags;

	local_irq_save(flags);
	for (i = 0; i < STORE_BURST; i++)
		made += !!klp_shadow_alloc(&store_obj[i], STORE_ID, 8, GFP_ATOMIC, NULL, NULL);
	for (i = 0; i < STORE_BURST; i++)
		found += !!klp_shadow_get(&store_obj[i], STORE_ID);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, made, STORE_BURST);
	KUNIT_EXPECT_EQ(test, found, STORE_BURST);
	shadow_expect_count(test, STORE_ID, STORE_BURST, STORE_BURST * 8);
}

/* Up and down again: what is there is found, and nothing else. */
static void store_growth_test(struct kunit *test)
{
	unsigned int *var, i;

	for (i = 0; i < STORE_MANY; i++) {
		var = store_make(i, STORE_ID, sizeof(*var));
		KUNIT_ASSERT_NOT_NULL(test, var);
		*var = i;
	}
	shadow_expect_count(test, STORE_ID, STORE_MANY, STORE_MANY * sizeof(*var));
	for (i = 0; i < STORE_MANY; i++) {
		if (i % 16)
			klp_shadow_free(&store_obj[i], STORE_ID, NULL);
	}
	for (i = 0; i < STORE_MANY; i++) {
		var = klp_shadow_get(&store_obj[i], STORE_ID);
		KUNIT_ASSERT_EQ(test, !var, !!(i % 16));
		if (var)
			KUNIT_ASSERT_EQ(test, *var, i);
	}
	shadow_expect_count(test, STORE_ID, STORE_MANY / 16, STORE_MANY / 16 * sizeof(*var));
}

static struct kunit_case store_test_cases[] = {
	KUNIT_CASE(store_count_test),
	KUNIT_CASE(store_refused_test),
	KUNIT_CASE(store_burst_test),
	KUNIT_CASE(store_growth_test),
	{}
};

static struct kunit_suite store_suite = {
	.name = "livepatch_shadow_store",
	.exit = store_exit,
	.test_cases = store_test_cases,
};

kunit_test_suite(store_suite);
