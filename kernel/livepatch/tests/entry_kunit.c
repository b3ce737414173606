// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does klp_site_entry() know a task that has been diverted and has not arrived (site.c)?
 *
 * Only where the task comes from a world that diverts it, and only from the function's entry to the
 * address that the call in it returns to, and at the entry of the replacement: what
 * klp_site_forbid() forbids there.
 */
#include <kunit/test.h>
#include "patches.h"
#include "site.h"

/* The return address of the call, and the last one that counts. */
#define ENTRY_END	(SITE_IP + MCOUNT_INSN_SIZE)

/* One or two patches in transition: are tasks diverted that come from world 0, from world 1? */
struct entry_case {
	const char *name;
	/* Of the older patch, at rest; of the one in transition. */
	enum site_kind older, kind;
	bool replace, disable;
	bool diverted[2];
};

static const struct entry_case entry_cases[] = {
	{ "enable the first", SITE_ABSENT, SITE_FUNC, false, false, { false, true } },
	{ "disable the only one", SITE_ABSENT, SITE_FUNC, false, true, { false, true } },
	{ "enable a second", SITE_FUNC, SITE_FUNC, false, false, { true, true } },
	{ "replace", SITE_FUNC, SITE_FUNC, true, false, { true, true } },
	{ "replace by a nop", SITE_FUNC, SITE_NOP, true, false, { true, false } },
	{ "enable something else", SITE_FUNC, SITE_ABSENT, false, false, { false, false } },
	{ "disable something else", SITE_FUNC, SITE_ABSENT, false, true, { false, false } },
};

KUNIT_ARRAY_PARAM_DESC(entry, entry_cases, name);

/* Put the patches and the site into the state that they have in the middle of it. */
static void entry_begin(struct site_fixture *fix, const struct entry_case *param)
{
	site_reset(fix);
	site_admit(fix, 0, param->older);
	klp_world_enable(&fix->patch[0]);
	site_settle(fix, 1);

	site_admit(fix, 1, param->kind);
	fix->patch[1].replace = param->replace;
	klp_world_enable(&fix->patch[1]);
	if (!param->disable)
		return;
	site_settle(fix, 1);
	klp_world_disable(&fix->patch[1]);
}

static void entry_window_test(struct kunit *test)
{
	const struct entry_case *param = test->param_value;
	struct site_fixture *fix = test->priv;
	int from, i;

	guard(klp_patches)(&fix->saved);
	entry_begin(fix, param);

	for (from = 0; from <= 1; from++) {
		const struct klp_site *site = &fix->site;
		bool in = param->diverted[from];

		/* A site without layers is nobody's. */
		if (list_empty(&site->layers))
			continue;
		KUNIT_EXPECT_FALSE(test, klp_site_entry(site, from, SITE_ORIG - 1));
		KUNIT_EXPECT_EQ(test, klp_site_entry(site, from, SITE_ORIG), in);
		KUNIT_EXPECT_EQ(test, klp_site_entry(site, from, SITE_IP), in);
		KUNIT_EXPECT_EQ(test, klp_site_entry(site, from, ENTRY_END), in);
		KUNIT_EXPECT_FALSE(test, klp_site_entry(site, from, ENTRY_END + 1));
		KUNIT_EXPECT_FALSE(test, klp_site_entry(site, from, SITE_ORIG_COLD));
		for (i = 0; i < 2; i++) {
			bool there = klp_site_dest(site, from) == (void *)SITE_NEW(i);

			KUNIT_EXPECT_FALSE(test, klp_site_entry(site, from, SITE_NEW(i) - 1));
			KUNIT_EXPECT_EQ(test, klp_site_entry(site, from, SITE_NEW(i)), there);
			KUNIT_EXPECT_FALSE(test, klp_site_entry(site, from, SITE_NEW(i) + 1));
		}
	}
}

/* Who is in the window is in the way, and behind it begins what is the original's own. */
static void entry_forbidden_test(struct kunit *test)
{
	const struct entry_case *param = test->param_value;
	struct site_fixture *fix = test->priv;
	int from;

	guard(klp_patches)(&fix->saved);
	entry_begin(fix, param);

	for (from = 0; from <= 1; from++) {
		struct klp_ranges *set = NULL;

		if (!param->diverted[from])
			continue;
		KUNIT_EXPECT_EQ(test, klp_site_forbid(&fix->site, from, &set), 0);
		klp_ranges_seal(set);
		KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, SITE_ORIG));
		KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, ENTRY_END));
		KUNIT_EXPECT_FALSE(test, klp_ranges_contain(set, ENTRY_END + 1));
		KUNIT_EXPECT_TRUE(test, klp_ranges_contain(set, (unsigned long)
							   klp_site_dest(&fix->site, from)));
		kvfree(set);
	}
}

static struct kunit_case entry_tests[] = {
	KUNIT_CASE_PARAM(entry_window_test, entry_gen_params),
	KUNIT_CASE_PARAM(entry_forbidden_test, entry_gen_params),
	{ }
};

static struct kunit_suite entry_suite = {
	.name = "livepatch_entry",
	.init = site_init,
	.test_cases = entry_tests,
};

kunit_test_suite(entry_suite);
