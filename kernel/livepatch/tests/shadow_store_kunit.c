// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the store of shadow variables (shadow_store.c) grow when it has to, and are the records of
 * ids right and gone in the end?
 */
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include "../internal.h"
#include "../shadow.h"
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

/* The table has to grow with interrupts off, where they may be: no insertion fails. */
static void store_burst_test(struct kunit *test)
{
	const bool off = !IS_ENABLED(CONFIG_PREEMPT_RT);
	unsigned int i, made = 0, found = 0;
	unsigned long flags;

	if (off)
		local_irq_save(flags);
	for (i = 0; i < STORE_BURST; i++)
		made += !!klp_shadow_alloc(&store_obj[i], STORE_ID, 8, GFP_ATOMIC, NULL, NULL);
	for (i = 0; i < STORE_BURST; i++)
		found += !!klp_shadow_get(&store_obj[i], STORE_ID);
	if (off)
		local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, made, STORE_BURST);
	KUNIT_EXPECT_EQ(test, found, STORE_BURST);
	shadow_expect_count(test, STORE_ID, STORE_BURST, STORE_BURST * 8);
}

/* How many buckets the variables of an id have now; no longer being moved to others, or 0. */
static unsigned long store_buckets(unsigned long id)
{
	struct klp_shadow_kind *kind;
	struct klp_shadow_table *table;

	guard(preempt)();
	kind = klp_shadow_kind(id);
	if (!kind)
		return 0;
	table = klp_shadow_read(kind->table);
	return rcu_access_pointer(table->next) ? 0 : 1UL << table->bits;
}

/* Tables follow the number of variables, up and down, as variables come. */
static void store_buckets_test(struct kunit *test)
{
	unsigned int i, nr;

	for (nr = 0; nr < STORE_MANY; nr++) {
		KUNIT_ASSERT_NOT_NULL(test, store_make(nr, STORE_ID, 1));
		if (store_buckets(STORE_ID) && nr > 100)
			KUNIT_ASSERT_LE(test, nr / 3, store_buckets(STORE_ID));
		KUNIT_ASSERT_LE(test, store_buckets(STORE_ID), max(nr * 8, 64));
	}
	for (; nr > 10; nr--)
		klp_shadow_free(&store_obj[nr - 1], STORE_ID, NULL);
	/* A few come and go, and the emptied table is passed a few buckets at a time. */
	for (i = 0; i < STORE_MANY; i++) {
		KUNIT_ASSERT_NOT_NULL(test, store_make(nr + i % 16, STORE_ID, 1));
		if (i >= 15)
			klp_shadow_free(&store_obj[nr + (i + 1) % 16], STORE_ID, NULL);
	}
	KUNIT_EXPECT_GT(test, store_buckets(STORE_ID), 0);
	KUNIT_EXPECT_LE(test, store_buckets(STORE_ID), 64);
}

/* While variables are being moved, all of them are found. */
static void store_moving_test(struct kunit *test)
{
	unsigned int i, nr, looks = 0;

	for (nr = 0; nr < STORE_BURST; nr++) {
		KUNIT_ASSERT_NOT_NULL(test, store_make(nr, STORE_ID, 1));
		if (store_buckets(STORE_ID))
			continue;
		looks++;
		for (i = 0; i <= nr; i++)
			KUNIT_ASSERT_NOT_NULL(test, klp_shadow_get(&store_obj[i], STORE_ID));
		KUNIT_ASSERT_NULL(test, klp_shadow_get(&store_obj[i], STORE_ID));
		/* Those that have been moved, and those that have not, can be taken away. */
		klp_shadow_free(&store_obj[nr / 2], STORE_ID, NULL);
		KUNIT_ASSERT_NULL(test, klp_shadow_get(&store_obj[nr / 2], STORE_ID));
		KUNIT_ASSERT_NOT_NULL(test, store_make(nr / 2, STORE_ID, 1));
	}
	KUNIT_EXPECT_GT(test, looks, 0);
}

/* A bucket as a reader finds it. */
#define STORE_CHAIN	8

struct store_chain {
	struct klp_shadow *shadow[STORE_CHAIN];
	unsigned int nr;
};

static void store_look(struct store_chain *chain, struct klp_shadow __rcu **head)
{
	struct klp_shadow *shadow = klp_shadow_read(*head);

	for (chain->nr = 0; shadow && chain->nr < STORE_CHAIN; chain->nr++) {
		chain->shadow[chain->nr] = shadow;
		shadow = klp_shadow_read(shadow->next);
	}
}

/* Does who stands at @from come by @to? */
static bool store_leads(struct klp_shadow *from, const struct klp_shadow *to)
{
	unsigned int i;

	for (i = 0; from && from != to && i < 1000; i++)
		from = klp_shadow_read(from->next);
	return from == to;
}

/* Who is in the middle of a bucket while some of it is moved misses nothing of what stays there. */
static unsigned int store_expect_led(struct kunit *test, const struct store_chain *before,
				     struct klp_shadow __rcu **head)
{
	struct store_chain after;
	unsigned int i, left;

	store_look(&after, head);
	for (left = 0; left < after.nr; left++) {
		for (i = 0; i < before->nr && before->shadow[i] != after.shadow[left]; i++)
			KUNIT_EXPECT_TRUE(test, store_leads(before->shadow[i], after.shadow[left]));
	}
	return after.nr && after.nr < before->nr;
}

static void store_led_test(struct kunit *test)
{
	static struct store_chain before[KLP_SHADOW_STEP];
	unsigned int i, at, nr, parted = 0;
	struct klp_shadow_table *table;

	for (nr = 0; nr < STORE_MANY; nr++) {
		guard(rcu)();

		table = nr ? klp_shadow_read(klp_shadow_kind(STORE_ID)->table) : NULL;
		if (!table || !rcu_access_pointer(table->next)) {
			klp_shadow_alloc(&store_obj[nr], STORE_ID, 1, GFP_ATOMIC, NULL, NULL);
			continue;
		}
		at = table->moved;
		for (i = 0; i < KLP_SHADOW_STEP && at + i < 1UL << table->bits; i++)
			store_look(&before[i], &table->bucket[at + i]);
		klp_shadow_alloc(&store_obj[nr], STORE_ID, 1, GFP_ATOMIC, NULL, NULL);
		while (i--)
			parted += store_expect_led(test, &before[i], &table->bucket[at + i]);
	}
	/* Or nothing has been shown. */
	KUNIT_EXPECT_GT(test, parted, 0);
}

/* What has been there all the time: looked for until told to stop. */
#define STORE_STAYS	64

struct store_reader {
	unsigned long rounds, missed, wrong;
};

static int store_read(void *data)
{
	struct store_reader *reader = data;
	unsigned int *var, i;

	while (!kthread_should_stop()) {
		for (i = 0; i < STORE_STAYS; i++) {
			var = klp_shadow_get(&store_obj[i], STORE_ID);
			if (!var)
				reader->missed++;
			else if (*var != i)
				reader->wrong++;
		}
		WRITE_ONCE(reader->rounds, reader->rounds + 1);
		cond_resched();
	}
	return 0;
}

/* Nobody misses a variable because it is being moved. */
static void store_readers_test(struct kunit *test)
{
	struct store_reader reader = {};
	struct task_struct *task;
	unsigned int *var, i, turn;

	for (i = 0; i < STORE_STAYS; i++) {
		var = store_make(i, STORE_ID, sizeof(*var));
		KUNIT_ASSERT_NOT_NULL(test, var);
		*var = i;
	}
	task = kthread_run(store_read, &reader, "klp_store_read");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (turn = 0; turn < 10; turn++) {
		unsigned long before = READ_ONCE(reader.rounds);

		for (i = STORE_STAYS; i < STORE_BURST; i++)
			store_make(i, STORE_ID, 1);
		for (i = STORE_STAYS; i < STORE_BURST; i++)
			klp_shadow_free(&store_obj[i], STORE_ID, NULL);
		while (READ_ONCE(reader.rounds) < before + 10)
			schedule_timeout_uninterruptible(1);
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, reader.missed, 0);
	KUNIT_EXPECT_EQ(test, reader.wrong, 0);
	shadow_expect_count(test, STORE_ID, STORE_STAYS, STORE_STAYS * sizeof(*var));
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
	KUNIT_CASE(store_buckets_test),
	KUNIT_CASE(store_moving_test),
	KUNIT_CASE(store_led_test),
	KUNIT_CASE(store_readers_test),
	{}
};

static struct kunit_suite store_suite = {
	.name = "livepatch_shadow_store",
	.exit = store_exit,
	.test_cases = store_test_cases,
};

kunit_test_suite(store_suite);
