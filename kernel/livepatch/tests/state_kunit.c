// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do patches find system states, and which patches get along (state.c)?
 */
#include <kunit/test.h>
#include <linux/list.h>
#include "patches.h"

#define STATE_PATCHES	3
#define STATE_MOST	3

/* States of a patch, as authors write them. */
struct state_list {
	struct klp_state state[STATE_MOST + 1];
};

/* Patches that are enabled, oldest first, and one that is not among them yet. */
struct state_fixture {
	struct klp_patch patch[STATE_PATCHES], new;
	struct state_list states[STATE_PATCHES], new_states;
	struct list_head saved;
};

static int state_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct state_fixture), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/* An empty list stands for a patch without states. */
static void state_set(struct klp_patch *patch, struct state_list *to, const struct state_list *from)
{
	*to = *from;
	patch->states = to->state[0].id ? to->state : NULL;
}

/* --- klp_get_state() ----------------------------------------------------------------------- */

struct state_get_case {
	const char *name;
	struct state_list states;
	unsigned long id;
	/* Index into @states, -1 when there is no answer. */
	int found;
};

static const struct state_get_case state_get_cases[] = {
	{ "no states", {}, 1, -1 },
	{ "the only one", { { { 1, 1 } } }, 1, 0 },
	{ "not that one", { { { 1, 1 } } }, 2, -1 },
	{ "first", { { { 3, 1 }, { 2, 1 }, { 1, 1 } } }, 3, 0 },
	{ "last", { { { 3, 1 }, { 2, 1 }, { 1, 1 } } }, 1, 2 },
	{ "0 is the end of the list", { { { 3, 1 } } }, 0, -1 },
	{ "behind the end", { { { 3, 1 }, { 0, 0 }, { 1, 1 } } }, 1, -1 },
	{ "version does not matter", { { { 3, 0 }, { 2, 7 } } }, 2, 1 },
	{ "large id", { { { 1, 1 }, { ULONG_MAX, 1 } } }, ULONG_MAX, 1 },
};

KUNIT_ARRAY_PARAM_DESC(state_get, state_get_cases, name);

static void state_get_test(struct kunit *test)
{
	const struct state_get_case *param = test->param_value;
	struct state_fixture *fix = test->priv;
	struct klp_state *want;

	state_set(&fix->new, &fix->new_states, &param->states);
	want = param->found < 0 ? NULL : &fix->new_states.state[param->found];
	KUNIT_EXPECT_PTR_EQ(test, klp_get_state(&fix->new, param->id), want);
}

/* Callbacks keep what they need in the entry: it is the patch's own, not a copy. */
static void state_data_test(struct kunit *test)
{
	struct state_fixture *fix = test->priv;
	struct klp_state *state;

	fix->new_states.state[0].id = 5;
	fix->new.states = fix->new_states.state;

	state = klp_get_state(&fix->new, 5);
	KUNIT_ASSERT_NOT_NULL(test, state);
	state->data = fix;
	KUNIT_EXPECT_PTR_EQ(test, fix->new_states.state[0].data, (void *)fix);
}

/* --- klp_get_prev_state() ------------------------------------------------------------------ */

struct state_prev_case {
	const char *name;
	struct state_list states[STATE_PATCHES];
	/* Which patch is in transition. */
	unsigned int transition;
	/* Which patch has the newest state 1 before it, -1 when none has. */
	int found;
};

static const struct state_prev_case state_prev_cases[] = {
	{ "nobody has it", { { { { 2, 1 } } }, { { { 3, 1 } } }, {} }, 2, -1 },
	{ "oldest patch in transition", { { { { 1, 1 } } }, { { { 1, 2 } } } }, 0, -1 },
	{ "the one before", { { { { 1, 1 } } }, { { { 1, 2 } } }, { { { 1, 3 } } } }, 2, 1 },
	{ "one further back", { { { { 1, 1 } } }, { { { 2, 1 } } }, { { { 1, 2 } } } }, 2, 0 },
	{ "not by version", { { { { 1, 9 } } }, { { { 1, 3 } } }, {} }, 2, 1 },
	{ "not from newer patches", { { { { 1, 1 } } }, {}, { { { 1, 2 } } } }, 1, 0 },
	{ "only newer patches", { {}, {}, { { { 1, 2 } } } }, 1, -1 },
	{ "not its own", { {}, { { { 1, 1 } } }, {} }, 1, -1 },
	{ "among others", { { { { 2, 1 }, { 1, 1 }, { 3, 1 } } }, {}, {} }, 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(state_prev, state_prev_cases, name);

static void state_prev_test(struct kunit *test)
{
	const struct state_prev_case *param = test->param_value;
	struct state_fixture *fix = test->priv;
	struct klp_patch *real;
	struct klp_state *want = NULL;
	unsigned int i;

	guard(klp_patches)(&fix->saved);

	for (i = 0; i < STATE_PATCHES; i++) {
		state_set(&fix->patch[i], &fix->states[i], &param->states[i]);
		list_add_tail(&fix->patch[i].list, &klp_patches);
	}
	if (param->found >= 0)
		want = klp_get_state(&fix->patch[param->found], 1);

	/* Whoever shows the real one in sysfs meanwhile is told that it is settled. */
	real = klp_transition_patch;
	WRITE_ONCE(klp_transition_patch, &fix->patch[param->transition]);
	KUNIT_EXPECT_PTR_EQ(test, klp_get_prev_state(1), want);
	WRITE_ONCE(klp_transition_patch, real);
}

/* --- klp_state_compatible() ---------------------------------------------------------------- */

struct state_compat_case {
	const char *name;
	struct state_list installed[STATE_PATCHES];
	struct state_list states;
	/* What is expected of a patch without and with .replace. */
	bool stack, replace;
};

static const struct state_compat_case state_compat_cases[] = {
	{ "no states at all", {}, {}, true, true },
	{ "first to have any", {}, { { { 1, 1 } } }, true, true },
	{ "same version", { { { { 1, 1 } } } }, { { { 1, 1 } } }, true, true },
	{ "higher version", { { { { 1, 1 } } } }, { { { 1, 2 } } }, true, true },
	{ "lower version", { { { { 1, 2 } } } }, { { { 1, 1 } } }, false, false },
	{ "version 0 again", { { { { 1, 0 } } } }, { { { 1, 0 } } }, true, true },
	{ "versions are unsigned", { { { { 1, 1 } } } }, { { { 1, UINT_MAX } } }, true, true },
	{ "installed one is large", { { { { 1, UINT_MAX } } } }, { { { 1, 1 } } }, false, false },
	{ "misses the state", { { { { 1, 1 } } } }, {}, true, false },
	{ "has another state", { { { { 1, 1 } } } }, { { { 2, 1 } } }, true, false },
	{ "misses the second", { { { { 1, 1 }, { 2, 1 } } } }, { { { 1, 1 } } }, true, false },
	{ "second is lower", { { { { 1, 1 }, { 2, 2 } } } }, { { { 1, 1 }, { 2, 1 } } },
	  false, false },
	{ "other order", { { { { 1, 1 }, { 2, 2 } } } }, { { { 2, 2 }, { 1, 1 } } }, true, true },
	{ "adds a state", { { { { 1, 1 } } } }, { { { 2, 5 }, { 1, 1 } } }, true, true },
	{ "of several patches", { { { { 1, 1 } } }, {}, { { { 2, 3 } } } },
	  { { { 1, 1 }, { 2, 3 } } }, true, true },
	{ "misses the newest patch's", { { { { 1, 1 } } }, { { { 2, 3 } } } }, { { { 1, 1 } } },
	  true, false },
	{ "misses the oldest patch's", { { { { 1, 1 } } }, { { { 2, 3 } } } }, { { { 2, 3 } } },
	  true, false },
	{ "lower than the newest", { { { { 1, 1 } } }, { { { 1, 3 } } } }, { { { 1, 2 } } },
	  false, false },
	{ "lower than the oldest", { { { { 1, 3 } } }, {}, { { { 2, 1 } } } },
	  { { { 1, 2 }, { 2, 1 } } }, false, false },
	{ "lower and missing", { { { { 1, 3 }, { 2, 1 } } } }, { { { 1, 2 } } }, false, false },
};

KUNIT_ARRAY_PARAM_DESC(state_compat, state_compat_cases, name);

static void state_compat_test(struct kunit *test)
{
	const struct state_compat_case *param = test->param_value;
	struct state_fixture *fix = test->priv;
	unsigned int i;

	state_set(&fix->new, &fix->new_states, &param->states);

	guard(klp_patches)(&fix->saved);

	for (i = 0; i < STATE_PATCHES; i++) {
		state_set(&fix->patch[i], &fix->states[i], &param->installed[i]);
		list_add_tail(&fix->patch[i].list, &klp_patches);
	}

	fix->new.replace = false;
	KUNIT_EXPECT_EQ(test, klp_state_compatible(&fix->new), param->stack);
	fix->new.replace = true;
	KUNIT_EXPECT_EQ(test, klp_state_compatible(&fix->new), param->replace);
}

static void state_compat_alone_test(struct kunit *test)
{
	struct state_fixture *fix = test->priv;

	fix->new_states.state[0] = (struct klp_state){ .id = 1, .version = 1 };
	fix->new.states = fix->new_states.state;
	fix->new.replace = true;

	guard(klp_patches)(&fix->saved);

	KUNIT_EXPECT_TRUE(test, klp_state_compatible(&fix->new));
}

/* --- rows of state_ops ---------------------------------------------------------------------- */

static const struct klp_shadow_type state_shadow = { .id = 77 };

struct state_ops_case {
	const char *name;
	/* Of the enabled patch, whose only state is 1. */
	struct klp_state_ops old;
	/* Of the one that comes, whose only state is @id. */
	unsigned long id;
	unsigned int version;
	struct klp_state_ops new;
	bool replace;
	bool want;
};

static const struct state_ops_case state_ops_cases[] = {
	{ "leaves with its own callbacks", { 1 }, 2, 1, { 2 }, true, true },
	{ "leaves for a patch without rows", { 1 }, 2, 1, {}, true, true },
	{ "nobody to undo it", {}, 2, 1, { 2 }, true, false },
	{ "cannot be undone", { 1, .block_disable = true }, 2, 1, { 2 }, true, false },
	{ "cannot be undone and stays", { 1, .block_disable = true }, 1, 1, { 1 }, true, true },
	{ "cannot be undone, one on top", { 1, .block_disable = true }, 2, 1, { 2 }, false, true },
	{ "lower version", { 1 }, 1, 0, { 1 }, true, false },
	{ "type stays with its state", { 1, .shadow = &state_shadow }, 1, 1,
	  { 1, .shadow = &state_shadow }, true, true },
	{ "type goes to another state", { 1, .shadow = &state_shadow }, 2, 1,
	  { 2, .shadow = &state_shadow }, true, false },
	{ "type is used beside it", { 1, .shadow = &state_shadow }, 2, 1,
	  { 2, .shadow = &state_shadow }, false, false },
};

KUNIT_ARRAY_PARAM_DESC(state_ops, state_ops_cases, name);

static void state_ops_test(struct kunit *test)
{
	const struct state_ops_case *param = test->param_value;
	struct klp_state_ops old[2] = { param->old }, new[2] = { param->new };
	struct state_fixture *fix = test->priv;
	struct klp_patch *patch = &fix->patch[0];
	static struct module mod = { .name = "state_ops" };

	guard(klp_patches)(&fix->saved);

	fix->states[0].state[0] = (struct klp_state){ .id = 1, .version = 1 };
	patch->mod = &mod;
	patch->states = fix->states[0].state;
	patch->state_ops = old;
	list_add_tail(&patch->list, &klp_patches);

	fix->new_states.state[0] = (struct klp_state){ .id = param->id, .version = param->version };
	fix->new.mod = &mod;
	fix->new.states = fix->new_states.state;
	fix->new.state_ops = new;
	fix->new.replace = param->replace;

	KUNIT_EXPECT_EQ(test, klp_state_compatible(&fix->new), param->want);
}

static struct kunit_case state_test_cases[] = {
	KUNIT_CASE_PARAM(state_get_test, state_get_gen_params),
	KUNIT_CASE(state_data_test),
	KUNIT_CASE_PARAM(state_prev_test, state_prev_gen_params),
	KUNIT_CASE_PARAM(state_compat_test, state_compat_gen_params),
	KUNIT_CASE(state_compat_alone_test),
	KUNIT_CASE_PARAM(state_ops_test, state_ops_gen_params),
	{}
};

static struct kunit_suite state_suite = {
	.name = "livepatch_state",
	.init = state_init,
	.test_cases = state_test_cases,
};

kunit_test_suite(state_suite);
