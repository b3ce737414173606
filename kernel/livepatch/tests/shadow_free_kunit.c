// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the memory of shadow variables given back (shadow_free.c), and not while somebody may use it?
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include "../internal.h"
#include "../shadow.h"

#define FREE_ID		0x4b554e4946524545UL
#define FREE_MANY	1000

static char free_obj[FREE_MANY];

static void free_exit(struct kunit *test)
{
	klp_shadow_free_all(FREE_ID, NULL);
}

static int free_init(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < FREE_MANY; i++) {
		if (!klp_shadow_alloc(&free_obj[i], FREE_ID, 8, GFP_KERNEL, NULL, NULL))
			return -ENOMEM;
	}
	return 0;
}

static bool free_bins_empty(void)
{
	const struct klp_shadow_bin *bin;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		bin = per_cpu_ptr(&klp_shadow_bins, cpu);
		if (!llist_empty(&bin->freed) || READ_ONCE(bin->waiting))
			return false;
	}
	return true;
}

/* There is nobody else who fills them all the time. */
static bool free_wait(void)
{
	unsigned long end = jiffies + 20 * HZ;

	while (!free_bins_empty()) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

/* One at a time, and all at once. */
static void free_given_back_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < FREE_MANY / 2; i++)
		klp_shadow_free(&free_obj[i], FREE_ID, NULL);
	KUNIT_EXPECT_TRUE(test, free_wait());
	klp_shadow_free_all(FREE_ID, NULL);
	KUNIT_EXPECT_TRUE(test, free_wait());
}

/* Who has found one keeps it for as long as he is a reader, however long ago it was freed. */
static void free_reader_test(struct kunit *test)
{
	const char *data;

	KUNIT_ASSERT_TRUE(test, free_wait());
	scoped_guard(rcu) {
		data = klp_shadow_get(&free_obj[0], FREE_ID);
		klp_shadow_free(&free_obj[0], FREE_ID, NULL);
		mdelay(200);
		KUNIT_EXPECT_FALSE(test, free_bins_empty());
		KUNIT_EXPECT_EQ(test, data ? *data : -1, 0);
	}
	KUNIT_EXPECT_TRUE(test, free_wait());
}

static struct kunit_case free_cases[] = {
	KUNIT_CASE(free_given_back_test),
	KUNIT_CASE(free_reader_test),
	{ }
};

static struct kunit_suite free_suite = {
	.name = "livepatch_shadow_free",
	.init = free_init,
	.exit = free_exit,
	.test_cases = free_cases,
};

kunit_test_suite(free_suite);
