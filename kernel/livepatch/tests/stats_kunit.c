// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do the statistics (stats.c) say what they were told, of the last transitions and in this order?
 *
 * The transitions here are told of and do not happen; they stay in the statistics until 32 others
 * have pushed them out.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "../internal.h"

/* As stats.c promises. */
#define STATS_KEPT	32
#define STATS_SIZE	32768

struct stats_fixture {
	struct module mod;
	struct klp_patch patch;
	struct seq_file m;
};

static int stats_init(struct kunit *test)
{
	struct stats_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	if (!fix)
		return -ENOMEM;
	test->priv = fix;
	fix->patch.mod = &fix->mod;
	fix->m.size = STATS_SIZE;
	fix->m.buf = kunit_kzalloc(test, STATS_SIZE, GFP_KERNEL);
	return fix->m.buf ? 0 : -ENOMEM;
}

/* What the file says now. */
static char *stats_text(struct kunit *test)
{
	struct stats_fixture *fix = test->priv;

	fix->m.count = 0;
	KUNIT_EXPECT_EQ(test, klp_stats_show(&fix->m, NULL), 0);
	KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&fix->m));
	fix->m.buf[min(fix->m.count, STATS_SIZE - 1)] = '\0';
	return fix->m.buf;
}

static void stats_transition(struct stats_fixture *fix, unsigned int nr)
{
	scnprintf(fix->mod.name, sizeof(fix->mod.name), "stats_kunit_%u", nr);

	guard(mutex)(&klp_mutex);
	klp_stats_begin(&fix->patch, KLP_TRANSITION_PATCHED);
	klp_stats_round();
	klp_stats_settle(KLP_TRANSITION_PATCHED);
}

/* More than are kept. */
static void stats_ring_test(struct kunit *test)
{
	struct stats_fixture *fix = test->priv;
	unsigned int nr, left = STATS_KEPT;
	char *text, *line;

	for (nr = 0; nr < STATS_KEPT + 3; nr++)
		stats_transition(fix, nr);

	text = stats_text(test);
	while ((line = strsep(&text, "\n"))) {
		if (!strstarts(line, "patch: "))
			continue;
		nr--;
		scnprintf(fix->mod.name, sizeof(fix->mod.name), "patch: stats_kunit_%u", nr);
		KUNIT_EXPECT_STREQ(test, line, fix->mod.name);
		KUNIT_ASSERT_NE(test, left--, 0);
	}
	KUNIT_EXPECT_EQ(test, left, 0);
	KUNIT_EXPECT_EQ(test, nr, 3);
}

/* The lines of the newest transition, without numbers that only the clock knows. */
static char *stats_newest(struct kunit *test, char *out, size_t size)
{
	char *text = stats_text(test), *line;
	size_t len = 0;

	out[0] = '\0';
	while ((line = strsep(&text, "\n")) && *line) {
		if (strstarts(line, "started: ") || strstarts(line, "duration_us: "))
			*strchr(line, ' ') = '\0';
		len += scnprintf(out + len, size - len, "%s\n", line);
	}
	return out;
}

static void stats_block_test(struct kunit *test)
{
	struct klp_blocker first = { .tid = 4711, .comm = "first" };
	struct klp_blocker last = { .tid = 42, .comm = "last" };
	struct stats_fixture *fix = test->priv;
	char *out = kunit_kzalloc(test, 1024, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, out);
	strscpy(fix->mod.name, "stats_kunit");

	scoped_guard(mutex, &klp_mutex)
		klp_stats_begin(&fix->patch, KLP_TRANSITION_PATCHED);
	KUNIT_EXPECT_STREQ(test, stats_newest(test, out, 1024),
			   "patch: stats_kunit\ntarget: patched\nstate: going on\nstarted:\n"
			   "duration_us:\nrounds: 0\nreversed: 0\nforced: 0\nmoved_stack: 0\n"
			   "moved_exit: 0\nmoved_idle: 0\nmoved_resched: 0\nmoved_forced: 0\n"
			   "unwound: 0\nslowest: -\n");

	scoped_guard(mutex, &klp_mutex) {
		klp_stats_round();
		klp_stats_late(&first);
		klp_stats_reverse(KLP_TRANSITION_UNPATCHED);
		klp_stats_round();
		klp_stats_late(&last);
		KUNIT_EXPECT_EQ(test, klp_stats_rounds(), 2);
	}
	KUNIT_EXPECT_STREQ(test, stats_newest(test, out, 1024),
			   "patch: stats_kunit\ntarget: unpatched\nstate: going on\nstarted:\n"
			   "duration_us:\nrounds: 2\nreversed: 1\nforced: 0\nmoved_stack: 0\n"
			   "moved_exit: 0\nmoved_idle: 0\nmoved_resched: 0\nmoved_forced: 0\n"
			   "unwound: 0\nslowest: last/42\n");

	scoped_guard(mutex, &klp_mutex) {
		klp_stats_force();
		KUNIT_EXPECT_GT(test, klp_stats_age(), 0);
		KUNIT_EXPECT_GT(test, klp_stats_settle(KLP_TRANSITION_UNPATCHED), 0);
	}
	KUNIT_EXPECT_STREQ(test, stats_newest(test, out, 1024),
			   "patch: stats_kunit\ntarget: unpatched\nstate: complete\nstarted:\n"
			   "duration_us:\nrounds: 2\nreversed: 1\nforced: 1\nmoved_stack: 0\n"
			   "moved_exit: 0\nmoved_idle: 0\nmoved_resched: 0\nmoved_forced: 0\n"
			   "unwound: 0\nslowest: last/42\n");
}

/* Given up before it began: everybody is where everybody was. */
static void stats_cancel_test(struct kunit *test)
{
	struct stats_fixture *fix = test->priv;
	char *out = kunit_kzalloc(test, 1024, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, out);
	strscpy(fix->mod.name, "stats_kunit");

	scoped_guard(mutex, &klp_mutex) {
		klp_stats_begin(&fix->patch, KLP_TRANSITION_PATCHED);
		klp_stats_settle(KLP_TRANSITION_UNPATCHED);
	}
	KUNIT_EXPECT_TRUE(test, strstarts(stats_newest(test, out, 1024),
					  "patch: stats_kunit\ntarget: unpatched\n"
					  "state: complete\n"));
}

static struct kunit_case stats_tests[] = {
	KUNIT_CASE(stats_ring_test),
	KUNIT_CASE(stats_block_test),
	KUNIT_CASE(stats_cancel_test),
	{ }
};

static struct kunit_suite stats_suite = {
	.name = "livepatch_stats",
	.init = stats_init,
	.test_cases = stats_tests,
};

kunit_test_suite(stats_suite);
