// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which states come and go, who is told in what order, and whose shadow variables have to go
 * (handover.c, garbage.c)?
 *
 * Transitions without tasks: patches get their bits by hand, and callbacks write down that they
 * were called: "+1.3" for pre_patch of state 3 by patch 1, "*" for post_patch, "-" for pre_unpatch,
 * "/" for post_unpatch.
 */
#include <kunit/test.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include "patches.h"

#define HANDOVER_PATCHES	3
#define HANDOVER_MOST		3

/* Pre-patch callbacks fail for this state. */
#define HANDOVER_BAD		7

struct handover_patch {
	struct klp_patch patch;
	struct module mod;
	struct klp_state states[HANDOVER_MOST + 1];
	struct klp_state_ops ops[HANDOVER_MOST + 1];
	char log_name;
};

struct handover_fixture {
	struct handover_patch p[HANDOVER_PATCHES];
	struct list_head saved;
};

/* Written by callbacks; tests of one suite run one after the other. */
static char handover_log[256];

static int handover_note(char what, struct klp_patch *patch, struct klp_state *state)
{
	struct handover_patch *p = container_of(patch, struct handover_patch, patch);
	size_t len = strlen(handover_log);

	snprintf(handover_log + len, sizeof(handover_log) - len, "%s%c%c.%lu", len ? " " : "", what,
		 p->log_name, state->id);
	return what == '+' && state->id == HANDOVER_BAD ? -EDOM : 0;
}

static int handover_pre_patch(struct klp_patch *patch, struct klp_state *state)
{
	return handover_note('+', patch, state);
}

static void handover_post_patch(struct klp_patch *patch, struct klp_state *state)
{
	handover_note('*', patch, state);
}

static void handover_pre_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	handover_note('-', patch, state);
}

static void handover_post_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	handover_note('/', patch, state);
}

static int handover_init(struct kunit *test)
{
	struct handover_fixture *fix;
	unsigned int i;

	fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	if (!fix)
		return -ENOMEM;

	for (i = 0; i < HANDOVER_PATCHES; i++) {
		struct handover_patch *p = &fix->p[i];

		p->log_name = '1' + i;
		snprintf(p->mod.name, sizeof(p->mod.name), "handover%u", i + 1);
		p->patch.mod = &p->mod;
		p->patch.states = p->states;
		p->patch.state_ops = p->ops;
	}
	test->priv = fix;
	handover_log[0] = '\0';
	return 0;
}

/* "123" are states 1, 2 and 3; a state in @plain has no row. */
static void handover_set(struct handover_patch *p, const char *ids, const char *plain)
{
	struct klp_state_ops *ops = p->ops;
	struct klp_state *state = p->states;

	for (; *ids; ids++, state++) {
		state->id = *ids - '0';
		if (strchr(plain, *ids))
			continue;
		*ops++ = (struct klp_state_ops){
			.id = state->id,
			.pre_patch = handover_pre_patch,
			.post_patch = handover_post_patch,
			.pre_unpatch = handover_pre_unpatch,
			.post_unpatch = handover_post_unpatch,
		};
	}
}

struct handover_case {
	const char *name;
	/* States of each patch, and those for which the second one has no row. */
	const char *ids[HANDOVER_PATCHES];
	const char *plain;
	enum klp_worlds worlds[HANDOVER_PATCHES];
	int target;
	int ends;
	const char *want;
};

#define HANDOVER_REPLACE	{ KLP_WITHOUT, KLP_WITH }
#define HANDOVER_REPLACE_BOTH	{ KLP_WITHOUT, KLP_WITHOUT, KLP_WITH }
#define HANDOVER_ON_TOP		{ KLP_EVERYWHERE, KLP_WITH }
#define HANDOVER_FROM_BELOW	{ KLP_WITH, KLP_EVERYWHERE }

static const struct handover_case handover_cases[] = {
	{ "first patch", { "123", "", "" }, "", { KLP_WITH }, 1, 1,
	  "+1.1 +1.2 +1.3 *1.1 *1.2 *1.3" },
	{ "first patch, reversed", { "123", "", "" }, "", { KLP_WITH }, 1, 0,
	  "+1.1 +1.2 +1.3 /1.3 /1.2 /1.1" },
	{ "first patch fails at once", { "712", "", "" }, "", { KLP_WITH }, 1, 0, "+1.7" },
	{ "first patch fails in between", { "172", "", "" }, "", { KLP_WITH }, 1, 0,
	  "+1.1 +1.7 /1.1" },
	{ "first patch fails at last", { "127", "", "" }, "", { KLP_WITH }, 1, 0,
	  "+1.1 +1.2 +1.7 /1.2 /1.1" },
	{ "disable", { "123", "", "" }, "", { KLP_WITH }, 0, 0, "-1.3 -1.2 -1.1 /1.3 /1.2 /1.1" },
	{ "disable, reversed", { "123", "", "" }, "", { KLP_WITH }, 0, 1,
	  "-1.3 -1.2 -1.1 *1.1 *1.2 *1.3" },
	{ "replace by the same", { "12", "12", "" }, "", HANDOVER_REPLACE, 1, 1, "" },
	{ "replace", { "12", "13", "" }, "", HANDOVER_REPLACE, 1, 1, "+2.3 -1.2 *2.3 /1.2" },
	{ "replace, reversed", { "12", "13", "" }, "", HANDOVER_REPLACE, 1, 0,
	  "+2.3 -1.2 *1.2 /2.3" },
	{ "replace fails", { "12", "137", "" }, "", HANDOVER_REPLACE, 1, 0, "+2.3 +2.7 /2.3" },
	{ "replace by one without states", { "123", "", "" }, "", HANDOVER_REPLACE, 1, 1,
	  "-1.3 -1.2 -1.1 /1.3 /1.2 /1.1" },
	{ "two holders leave at a time", { "12", "13", "4" }, "", HANDOVER_REPLACE_BOTH, 1, 1,
	  "+3.4 -2.3 -2.1 -1.2 *3.4 /2.3 /2.1 /1.2" },
	{ "two holders stay", { "12", "13", "4" }, "", HANDOVER_REPLACE_BOTH, 1, 0,
	  "+3.4 -2.3 -2.1 -1.2 *1.2 *2.1 *2.3 /3.4" },
	{ "on top of a holder", { "12", "123", "" }, "", HANDOVER_ON_TOP, 1, 1, "+2.3 *2.3" },
	{ "off the top of a holder", { "12", "123", "" }, "", HANDOVER_ON_TOP, 0, 0, "-2.3 /2.3" },
	{ "from below a holder", { "12", "13", "" }, "", HANDOVER_FROM_BELOW, 0, 0, "-1.2 /1.2" },
	{ "who has no row is not told", { "12", "13", "" }, "3", HANDOVER_REPLACE, 1, 1,
	  "-1.2 /1.2" },
	{ "a row in an older patch will do", { "1", "1", "4" }, "1", HANDOVER_REPLACE_BOTH, 1, 1,
	  "+3.4 -1.1 *3.4 /1.1" },
};

KUNIT_ARRAY_PARAM_DESC(handover, handover_cases, name);

static void handover_test(struct kunit *test)
{
	const struct handover_case *param = test->param_value;
	struct handover_fixture *fix = test->priv;
	unsigned int i;
	int ret;

	guard(klp_patches)(&fix->saved);

	for (i = 0; i < HANDOVER_PATCHES; i++) {
		struct handover_patch *p = &fix->p[i];

		handover_set(p, param->ids[i], i == 1 ? param->plain : "");
		p->patch.worlds = param->worlds[i];
		if (p->patch.worlds != KLP_NOWHERE)
			list_add_tail(&p->patch.list, &klp_patches);
	}

	KUNIT_EXPECT_EQ(test, klp_handover_plan(param->target), 0);
	ret = klp_handover_announce();
	KUNIT_EXPECT_EQ(test, ret, strstr(handover_log, "7") ? -EDOM : 0);
	klp_handover_settle(param->ends);
	KUNIT_EXPECT_STREQ(test, handover_log, param->want);

	/* The plan is used up. */
	handover_log[0] = '\0';
	klp_handover_settle(param->ends);
	KUNIT_EXPECT_STREQ(test, handover_log, "");
}

/* Two patches that list the same state, the second in the place of the first. */
static void handover_pair(struct handover_fixture *fix)
{
	handover_set(&fix->p[0], "1", "");
	handover_set(&fix->p[1], "1", "");
	fix->p[0].patch.worlds = KLP_WITHOUT;
	fix->p[1].patch.worlds = KLP_WITH;
	list_add_tail(&fix->p[0].patch.list, &klp_patches);
	list_add_tail(&fix->p[1].patch.list, &klp_patches);
}

static void handover_data_test(struct kunit *test)
{
	struct handover_fixture *fix = test->priv;
	struct klp_state *old = fix->p[0].states, *new = fix->p[1].states;
	int one, two;

	guard(klp_patches)(&fix->saved);
	handover_pair(fix);
	old->data = &one;

	KUNIT_EXPECT_EQ(test, klp_handover_plan(1), 0);
	KUNIT_EXPECT_NULL(test, new->data);
	KUNIT_EXPECT_EQ(test, klp_handover_announce(), 0);
	KUNIT_EXPECT_PTR_EQ(test, new->data, (void *)&one);

	/* Reversed: what the new patch has made of it goes back. */
	new->data = &two;
	klp_handover_settle(0);
	KUNIT_EXPECT_PTR_EQ(test, old->data, (void *)&two);

	KUNIT_EXPECT_EQ(test, klp_handover_plan(1), 0);
	KUNIT_EXPECT_EQ(test, klp_handover_announce(), 0);
	klp_handover_settle(1);
	KUNIT_EXPECT_PTR_EQ(test, new->data, (void *)&two);
}

/* Of several holders only the newest one gives, and only the newest one gets. */
static void handover_data_newest_test(struct kunit *test)
{
	struct handover_fixture *fix = test->priv;
	int one, two;

	guard(klp_patches)(&fix->saved);
	handover_pair(fix);
	handover_set(&fix->p[2], "1", "");
	fix->p[1].patch.worlds = KLP_WITHOUT;
	fix->p[2].patch.worlds = KLP_WITH;
	list_add_tail(&fix->p[2].patch.list, &klp_patches);
	fix->p[0].states[0].data = &one;
	fix->p[1].states[0].data = &two;

	KUNIT_EXPECT_EQ(test, klp_handover_plan(1), 0);
	KUNIT_EXPECT_EQ(test, klp_handover_announce(), 0);
	klp_handover_settle(1);
	KUNIT_EXPECT_PTR_EQ(test, fix->p[0].states[0].data, (void *)&one);
	KUNIT_EXPECT_PTR_EQ(test, fix->p[1].states[0].data, (void *)&two);
	KUNIT_EXPECT_PTR_EQ(test, fix->p[2].states[0].data, (void *)&two);
}

/* Who has no row for a state keeps its data to itself. */
static void handover_data_plain_test(struct kunit *test)
{
	struct handover_fixture *fix = test->priv;
	struct klp_state *old = fix->p[0].states, *new = fix->p[1].states;
	int one, two;

	guard(klp_patches)(&fix->saved);
	handover_pair(fix);
	fix->p[1].patch.state_ops = NULL;
	old->data = &one;
	new->data = &two;

	KUNIT_EXPECT_EQ(test, klp_handover_plan(1), 0);
	KUNIT_EXPECT_EQ(test, klp_handover_announce(), 0);
	klp_handover_settle(1);
	KUNIT_EXPECT_PTR_EQ(test, new->data, (void *)&two);
	KUNIT_EXPECT_PTR_EQ(test, old->data, (void *)&one);
}

/* Refused before anybody was told: nobody is told, and no data moves. */
static void handover_unannounced_test(struct kunit *test)
{
	struct handover_fixture *fix = test->priv;
	int one, two;

	guard(klp_patches)(&fix->saved);
	handover_pair(fix);
	handover_set(&fix->p[1], "12", "");
	fix->p[0].states[0].data = &one;
	fix->p[1].states[0].data = &two;

	KUNIT_EXPECT_EQ(test, klp_handover_plan(1), 0);
	klp_handover_settle(0);
	KUNIT_EXPECT_STREQ(test, handover_log, "");
	KUNIT_EXPECT_PTR_EQ(test, fix->p[0].states[0].data, (void *)&one);
	KUNIT_EXPECT_PTR_EQ(test, fix->p[1].states[0].data, (void *)&two);
}

/* --- shadow variables ----------------------------------------------------------------------- */

#define GARBAGE_ID 0x6b6c7067UL

static int garbage_object;
static char garbage_dtor_of;

static void garbage_dtor_1(void *obj, void *data)
{
	garbage_dtor_of = '1';
}

static void garbage_dtor_2(void *obj, void *data)
{
	garbage_dtor_of = '2';
}

static const struct klp_shadow_type garbage_type_1 = { GARBAGE_ID, NULL, garbage_dtor_1 };
static const struct klp_shadow_type garbage_type_2 = { GARBAGE_ID, NULL, garbage_dtor_2 };
static const struct klp_shadow_type garbage_type_other = { GARBAGE_ID + 1, NULL, garbage_dtor_2 };

struct garbage_case {
	const char *name;
	/* The second patch lists the state; has a row for it; with this type. */
	const char *ids;
	const char *plain;
	const struct klp_shadow_type *type;
	enum klp_worlds worlds[2];
	int ends;
	bool forced;
	/* Whose destructor ran, 0 when the variable stays. */
	char dtor;
};

static const struct garbage_case garbage_cases[] = {
	{ "state leaves", "2", "", NULL, HANDOVER_REPLACE, 1, false, '1' },
	{ "state stays with its type", "1", "", &garbage_type_2, HANDOVER_REPLACE, 1, false, 0 },
	{ "state stays without a row", "1", "1", NULL, HANDOVER_REPLACE, 1, false, 0 },
	{ "state stays without a type", "1", "", NULL, HANDOVER_REPLACE, 1, false, '1' },
	{ "state stays with another type", "1", "", &garbage_type_other, HANDOVER_REPLACE, 1, false,
	  '1' },
	{ "reversed", "2", "", NULL, HANDOVER_REPLACE, 0, false, 0 },
	{ "both go", "1", "", &garbage_type_2, { KLP_WITHOUT, KLP_WITHOUT }, 1, false, '2' },
	{ "another holder stays", "1", "", &garbage_type_2, { KLP_WITH, KLP_EVERYWHERE }, 0, false,
	  0 },
	{ "forced", "2", "", NULL, HANDOVER_REPLACE, 1, true, 0 },
};

KUNIT_ARRAY_PARAM_DESC(garbage, garbage_cases, name);

/* True when something is to be destroyed; needs the borrowed list of patches. */
static bool garbage_run(struct kunit *test, struct handover_fixture *fix,
			const struct garbage_case *param)
{
	guard(klp_patches)(&fix->saved);

	handover_pair(fix);
	memset(fix->p[1].ops, 0, sizeof(fix->p[1].ops));
	handover_set(&fix->p[1], param->ids, param->plain);
	fix->p[0].ops[0].shadow = &garbage_type_1;
	fix->p[1].ops[0].shadow = param->type;
	fix->p[0].patch.worlds = param->worlds[0];
	fix->p[1].patch.worlds = param->worlds[1];
	fix->p[0].patch.forced = param->forced;

	KUNIT_EXPECT_EQ(test, klp_handover_plan(1), 0);
	KUNIT_EXPECT_EQ(test, klp_handover_announce(), 0);
	KUNIT_EXPECT_FALSE(test, klp_garbage_blocks(&fix->p[0].patch));
	klp_handover_settle(param->ends);
	KUNIT_EXPECT_EQ(test, klp_garbage_blocks(&fix->p[0].patch), !!param->dtor);
	return klp_garbage_take();
}

static void garbage_test(struct kunit *test)
{
	const struct garbage_case *param = test->param_value;
	struct handover_fixture *fix = test->priv;
	bool found;

	garbage_dtor_of = 0;
	KUNIT_ASSERT_NOT_NULL(test, klp_shadow_alloc(&garbage_object, GARBAGE_ID, 8, GFP_KERNEL,
						     NULL, NULL));

	KUNIT_EXPECT_EQ(test, garbage_run(test, fix, param), !!param->dtor);
	klp_garbage_collect();

	found = klp_shadow_get(&garbage_object, GARBAGE_ID);
	klp_shadow_free(&garbage_object, GARBAGE_ID, NULL);
	KUNIT_EXPECT_EQ(test, found, !param->dtor);
	KUNIT_EXPECT_EQ(test, garbage_dtor_of, param->dtor);
	KUNIT_EXPECT_FALSE(test, klp_garbage_blocks(&fix->p[0].patch));
}

static struct kunit_case handover_test_cases[] = {
	KUNIT_CASE_PARAM(handover_test, handover_gen_params),
	KUNIT_CASE(handover_data_test),
	KUNIT_CASE(handover_data_newest_test),
	KUNIT_CASE(handover_data_plain_test),
	KUNIT_CASE(handover_unannounced_test),
	KUNIT_CASE_PARAM(garbage_test, garbage_gen_params),
	{}
};

static struct kunit_suite handover_suite = {
	.name = "livepatch_handover",
	.init = handover_init,
	.test_cases = handover_test_cases,
};

kunit_test_suite(handover_suite);
