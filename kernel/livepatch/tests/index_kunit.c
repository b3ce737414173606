// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the index of sites (index.c) find what was put in, and nothing else?
 *
 * The addresses here are no functions; sites of patches may be in the index at the same time, as
 * long as none comes or goes.
 */
#include <kunit/test.h>
#include "../internal.h"
#include "index.h"

/* Address number @i, as far from the next as functions are. */
#define INDEX_IP(i)	(0x40000000UL + 16UL * (i))

/* More sites that want the last slots than can have one behind them. */
#define INDEX_MANY	40

static struct klp_site *index_make(struct kunit *test, unsigned long ip)
{
	struct klp_site *site = kunit_kzalloc(test, sizeof(*site), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, site);
	site->ip = ip;
	return site;
}

/* Put a site there; it goes when the test ends, at the latest. */
static struct klp_site *index_add(struct kunit *test, unsigned long ip)
{
	struct klp_site *site = index_make(test, ip);

	KUNIT_ASSERT_NULL(test, klp_index_find(ip));
	KUNIT_ASSERT_EQ(test, index_put(site), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, index_remove, site), 0);
	KUNIT_ASSERT_PTR_EQ(test, klp_index_find(ip), site);
	return site;
}

/* The address from number @*i on whose search begins at @slot of the present index. */
static unsigned long index_meeting(struct kunit *test, unsigned long slot, unsigned long *i)
{
	unsigned long limit = *i + 64 * klp_index->nr;

	for (; *i < limit; ++*i) {
		unsigned long key = klp_index_key(INDEX_IP(*i));

		if (klp_index_home(klp_index, key) == &klp_index->slots[slot])
			return INDEX_IP((*i)++);
	}
	KUNIT_FAIL_AND_ABORT(test, "no address for slot %lu", slot);
	return 0;
}

static const unsigned int index_sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000 };

static void index_size_desc(const unsigned int *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u sites", *nr);
}

KUNIT_ARRAY_PARAM(index_size, index_sizes, index_size_desc);

/* Fill it, take every other site out, fill it again. */
static void index_fill_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	struct klp_site **sites = kunit_kcalloc(test, nr, sizeof(*sites), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sites);
	for (i = 0; i < nr; i++)
		sites[i] = index_add(test, INDEX_IP(i));
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_PTR_EQ(test, klp_index_find(INDEX_IP(i)), sites[i]);
	for (; i < 10 * nr; i++)
		KUNIT_EXPECT_NULL(test, klp_index_find(INDEX_IP(i)));
	/* Half of it is empty, so that searches are short. */
	KUNIT_EXPECT_GE(test, klp_index->nr, 2 * nr);

	for (i = 0; i < nr; i += 2)
		index_take(sites[i]);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_PTR_EQ(test, klp_index_find(INDEX_IP(i)), i % 2 ? sites[i] : NULL);

	for (i = 0; i < nr; i += 2)
		KUNIT_ASSERT_EQ(test, index_put(sites[i]), 0);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_PTR_EQ(test, klp_index_find(INDEX_IP(i)), sites[i]);
}

static void index_reserve_test(struct kunit *test)
{
	unsigned int nr = *(const unsigned int *)test->param_value, i;
	const struct klp_index *index;

	KUNIT_ASSERT_EQ(test, index_reserve(nr), 0);
	index = klp_index;
	for (i = 0; i < nr; i++)
		index_add(test, INDEX_IP(i));
	KUNIT_EXPECT_PTR_EQ(test, klp_index, index);
}

/* Sites whose searches begin at the same slot, with one that has gone in between. */
static void index_gone_test(struct kunit *test)
{
	struct klp_site *site[4];
	unsigned long n = 0, ip;
	unsigned int i, used;

	KUNIT_ASSERT_EQ(test, index_reserve(INDEX_MANY), 0);
	for (i = 0; i < ARRAY_SIZE(site); i++)
		site[i] = index_add(test, index_meeting(test, 5, &n));
	ip = index_meeting(test, 5, &n);
	KUNIT_EXPECT_NULL(test, klp_index_find(ip));

	used = klp_index->used;
	index_take(site[1]);
	KUNIT_EXPECT_PTR_EQ(test, klp_index_find(site[0]->ip), site[0]);
	KUNIT_EXPECT_NULL(test, klp_index_find(site[1]->ip));
	KUNIT_EXPECT_PTR_EQ(test, klp_index_find(site[2]->ip), site[2]);
	KUNIT_EXPECT_PTR_EQ(test, klp_index_find(site[3]->ip), site[3]);

	/* Others come to stand behind it, and itself as well. */
	index_add(test, ip);
	KUNIT_ASSERT_EQ(test, index_put(site[1]), 0);
	KUNIT_EXPECT_EQ(test, klp_index->used, used + 2);
	for (i = 0; i < ARRAY_SIZE(site); i++)
		KUNIT_EXPECT_PTR_EQ(test, klp_index_find(site[i]->ip), site[i]);
}

/* Who is between key and site when a site goes finds that site, whatever comes meanwhile. */
static void index_reader_test(struct kunit *test)
{
	struct klp_site *site, *others[4];
	const struct klp_index *index;
	struct klp_slot *slot;
	unsigned long n = 0;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, index_reserve(INDEX_MANY), 0);
	site = index_add(test, index_meeting(test, 5, &n));
	KUNIT_ASSERT_TRUE(test, klp_index_search(klp_index_key(site->ip), &slot));
	index = klp_index;

	index_take(site);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = index_add(test, index_meeting(test, 5, &n));
		KUNIT_EXPECT_PTR_EQ(test, slot->site, site);
	}
	/* Else the slot would be in nobody's hand any more: klp_sync() has run. */
	KUNIT_ASSERT_PTR_EQ(test, klp_index, index);
	KUNIT_EXPECT_NULL(test, klp_index_find(site->ip));
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_PTR_EQ(test, klp_index_find(others[i]->ip), others[i]);
}

/* There is always an end to a search, also of those that begin at the last slot. */
static void index_end_test(struct kunit *test)
{
	unsigned long *ips = kunit_kcalloc(test, INDEX_MANY + 1, sizeof(*ips), GFP_KERNEL);
	unsigned long last, n = 0;
	unsigned int i, nr;

	KUNIT_ASSERT_NOT_NULL(test, ips);
	KUNIT_ASSERT_EQ(test, index_reserve(2 * INDEX_MANY), 0);
	last = klp_index->mask / sizeof(struct klp_slot);
	nr = klp_index->nr;
	for (i = 0; i <= INDEX_MANY; i++)
		ips[i] = index_meeting(test, last, &n);

	for (i = 0; i < INDEX_MANY; i++) {
		index_add(test, ips[i]);
		KUNIT_ASSERT_EQ(test, klp_index->slots[klp_index->nr - 1].key, 0UL);
	}
	KUNIT_EXPECT_GT(test, klp_index->nr, nr);
	for (i = 0; i < INDEX_MANY; i++) {
		KUNIT_ASSERT_NOT_NULL(test, klp_index_find(ips[i]));
		KUNIT_EXPECT_EQ(test, klp_index_find(ips[i])->ip, ips[i]);
	}
	KUNIT_EXPECT_NULL(test, klp_index_find(ips[INDEX_MANY]));
}

/* What has gone leaves no slot taken for good. */
static void index_churn_test(struct kunit *test)
{
	struct klp_site *site = index_make(test, 0);
	unsigned int i, nr;

	index_add(test, INDEX_IP(0));
	nr = klp_index->nr;
	for (i = 1; i < 1000; i++) {
		site->ip = INDEX_IP(i);
		KUNIT_ASSERT_EQ(test, index_put(site), 0);
		KUNIT_ASSERT_PTR_EQ(test, klp_index_find(site->ip), site);
		index_take(site);
		KUNIT_ASSERT_NULL(test, klp_index_find(site->ip));
	}
	KUNIT_EXPECT_LE(test, klp_index->nr, 4 * nr);
}

/* Only the site that is there can be taken out. */
static void index_remove_test(struct kunit *test)
{
	struct klp_site *site = index_add(test, INDEX_IP(1));
	struct klp_site *other = index_make(test, INDEX_IP(1));
	unsigned int live = klp_index->live;

	index_take(other);
	KUNIT_EXPECT_PTR_EQ(test, klp_index_find(INDEX_IP(1)), site);
	other->ip = INDEX_IP(2);
	index_take(other);
	KUNIT_EXPECT_EQ(test, klp_index->live, live);
	index_take(site);
	index_take(site);
	KUNIT_EXPECT_EQ(test, klp_index->live, live - 1);
}

/* Without sites there is no table, and a search ends all the same. */
static void index_trim_test(struct kunit *test)
{
	struct klp_site *site;

	if (klp_index->live)
		kunit_skip(test, "something is patched");
	site = index_add(test, INDEX_IP(1));
	KUNIT_EXPECT_GT(test, klp_index->nr, 1);
	index_trim();
	KUNIT_EXPECT_PTR_EQ(test, klp_index_find(INDEX_IP(1)), site);

	index_take(site);
	index_trim();
	KUNIT_EXPECT_EQ(test, klp_index->nr, 1);
	KUNIT_EXPECT_NULL(test, klp_index_find(INDEX_IP(1)));
}

static struct kunit_case index_test_cases[] = {
	KUNIT_CASE_PARAM(index_fill_test, index_size_gen_params),
	KUNIT_CASE_PARAM(index_reserve_test, index_size_gen_params),
	KUNIT_CASE(index_gone_test),
	KUNIT_CASE(index_reader_test),
	KUNIT_CASE(index_end_test),
	KUNIT_CASE(index_churn_test),
	KUNIT_CASE(index_remove_test),
	KUNIT_CASE(index_trim_test),
	{}
};

static struct kunit_suite index_suite = {
	.name = "livepatch_index",
	.test_cases = index_test_cases,
};

kunit_test_suite(index_suite);
