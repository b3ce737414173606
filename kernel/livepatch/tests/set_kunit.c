// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which patches replace each other, and which may live side by side (world.c, set.c)?
 */
#include "entries.h"

/* --- Who replaces whom -------------------------------------------------------------------- */

struct set_pair_case {
	const char *name;
	struct entry_patch new;
	unsigned int old_set;
	bool replaces, beside;
};

static const struct set_pair_case set_pair_cases[] = {
	{ "stacked on the same set", { .set = 0 }, 0, false, false },
	{ "replaces the same set", { .set = 0, .replace = true }, 0, true, false },
	{ "the same set, not 0", { .set = 9, .replace = true }, 9, true, false },
	{ "stacked beside another set", { .set = 1 }, 2, false, true },
	{ "replaces beside another set", { .set = 1, .replace = true }, 2, false, true },
	{ "set 0 leaves others alone", { .set = 0, .replace = true }, 1, false, true },
	{ "others leave set 0 alone", { .set = 1, .replace = true }, 0, false, true },
	{ "largest number", { .set = UINT_MAX, .replace = true }, UINT_MAX, true, false },
	{ "supersedes it", { .replace = true, .supersedes = { 3 } }, 3, true, false },
	{ "supersedes it and others", { .replace = true, .supersedes = { 1, 2, 3 } }, 3, true,
	  false },
	{ "supersedes others", { .replace = true, .supersedes = { 1, 2 } }, 3, false, true },
	{ "supersedes nothing behind 0", { .replace = true, .supersedes = { 1, 0, 3 } }, 3, false,
	  true },
	{ "set 0 cannot be listed", { .set = 1, .replace = true, .supersedes = { 2, 0 } }, 0,
	  false, true },
	{ "supersedes and its own", { .set = 1, .replace = true, .supersedes = { 2 } }, 1, true,
	  false },
	{ "supersedes its own set", { .set = 1, .replace = true, .supersedes = { 1 } }, 1, true,
	  false },
	{ "does not replace at all", { .supersedes = { 3 } }, 3, false, true },
};

KUNIT_ARRAY_PARAM_DESC(set_pair, set_pair_cases, name);

static void set_pair_test(struct kunit *test)
{
	const struct set_pair_case *param = test->param_value;
	struct entry_made *new = entry_make(test, &param->new);
	struct entry_made *old = entry_make(test, &(struct entry_patch){ .set = param->old_set });

	KUNIT_EXPECT_EQ(test, klp_world_replaces(&new->patch, &old->patch), param->replaces);
	KUNIT_EXPECT_EQ(test, klp_world_beside(&new->patch, &old->patch), param->beside);
	KUNIT_EXPECT_FALSE(test, klp_world_replaces(&new->patch, &new->patch));
	KUNIT_EXPECT_FALSE(test, klp_world_beside(&new->patch, &new->patch));
}

/* --- klp_set_check() ---------------------------------------------------------------------- */

#define SET_OLD	3

struct set_check_case {
	const char *name;
	/* Enabled patches, and how many there are. */
	struct entry_patch old[SET_OLD];
	unsigned int nr;
	struct entry_patch new;
	int ret;
};

#define F(name_)	{ .name = (name_) }
#define M(name_)	{ .obj = "mod", .name = (name_) }
#define AT(name_, pos_)	{ .name = (name_), .pos = (pos_) }
#define GUARD(name_)	{ .name = (name_), .kind = ENTRY_GUARD }
#define NOP(name_)	{ .name = (name_), .kind = ENTRY_NOP }

static const struct set_check_case set_check_cases[] = {
	{ "nobody there", {}, 0, { .set = 1, .funcs = { F("f") } }, 0 },
	{ "the same set", { { .funcs = { F("f") } } }, 1, { .funcs = { F("f") } }, 0 },
	{ "nothing in common", { { .funcs = { F("f") } } }, 1,
	  { .set = 1, .funcs = { F("g") } }, 0 },
	{ "a function", { { .funcs = { F("f") } } }, 1, { .set = 1, .funcs = { F("f") } },
	  -EINVAL },
	{ "it replaces, but its own set", { { .funcs = { F("f") } } }, 1,
	  { .set = 1, .replace = true, .funcs = { F("f") } }, -EINVAL },
	{ "it supersedes the set", { { .set = 2, .funcs = { F("f") }, .states = { 5 } } }, 1,
	  { .set = 1, .replace = true, .supersedes = { 2 }, .funcs = { F("f") },
	    .states = { 5 } }, 0 },
	{ "it supersedes another one", { { .set = 2, .funcs = { F("f") } } }, 1,
	  { .set = 1, .replace = true, .supersedes = { 3 }, .funcs = { F("f") } }, -EINVAL },
	{ "the old one supersedes", { { .set = 2, .replace = true, .supersedes = { 1 },
	    .funcs = { F("f") } } }, 1, { .set = 1, .funcs = { F("f") } }, -EINVAL },
	{ "the last of several", { { .funcs = { F("a"), F("b"), F("c"), F("d") } } }, 1,
	  { .set = 1, .funcs = { F("w"), F("x"), F("y"), F("d") } }, -EINVAL },
	{ "of the oldest of several", { { .funcs = { F("a") } }, { .set = 2, .funcs = { F("b") } },
	    { .set = 3, .funcs = { F("c") } } }, 3, { .set = 1, .funcs = { F("a") } }, -EINVAL },
	{ "of the newest of several", { { .funcs = { F("a") } }, { .set = 2, .funcs = { F("b") } },
	    { .set = 3, .funcs = { F("c") } } }, 3, { .set = 1, .funcs = { F("c") } }, -EINVAL },
	{ "with its own set and another", { { .set = 1, .funcs = { F("f") } },
	    { .set = 2, .funcs = { F("g") } } }, 2,
	  { .set = 1, .replace = true, .funcs = { F("f"), F("h") } }, 0 },
	{ "the same name elsewhere", { { .funcs = { F("f") } } }, 1,
	  { .set = 1, .funcs = { M("f") } }, 0 },
	{ "in a module", { { .funcs = { F("f"), M("g") } } }, 1,
	  { .set = 1, .funcs = { F("g"), M("g") } }, -EINVAL },
	{ "position 0 is 1", { { .funcs = { AT("f", 0) } } }, 1,
	  { .set = 1, .funcs = { AT("f", 1) } }, -EINVAL },
	{ "position 1 is 0", { { .funcs = { AT("f", 1) } } }, 1,
	  { .set = 1, .funcs = { AT("f", 0) } }, -EINVAL },
	{ "other positions", { { .funcs = { AT("f", 0), AT("f", 3) } } }, 1,
	  { .set = 1, .funcs = { AT("f", 2), AT("f", 4) } }, 0 },
	{ "one of the positions", { { .funcs = { AT("f", 0), AT("f", 3) } } }, 1,
	  { .set = 1, .funcs = { AT("f", 2), AT("f", 3) } }, -EINVAL },
	{ "a guard there", { { .funcs = { GUARD("f") } } }, 1, { .set = 1, .funcs = { F("f") } },
	  0 },
	{ "a guard here", { { .funcs = { F("f") } } }, 1, { .set = 1, .funcs = { GUARD("f") } },
	  0 },
	{ "guards only", { { .funcs = { GUARD("f") } } }, 1,
	  { .set = 1, .funcs = { GUARD("f") } }, 0 },
	{ "a function behind a guard", { { .funcs = { F("f"), F("g") } } }, 1,
	  { .set = 1, .funcs = { GUARD("f"), F("g") } }, -EINVAL },
	{ "a nop there", { { .funcs = { NOP("f") } } }, 1, { .set = 1, .funcs = { F("f") } }, 0 },
	{ "other states", { { .states = { 1, 2 } } }, 1, { .set = 1, .states = { 3, 4 } }, 0 },
	{ "a state", { { .states = { 1, 2 } } }, 1, { .set = 1, .states = { 3, 2 } }, -EINVAL },
	{ "a state of the same set", { { .states = { 1, 2 } } }, 1, { .states = { 3, 2 } }, 0 },
	{ "a state of the newest", { { .set = 3, .states = { 1 } }, { .states = { 2 } } }, 2,
	  { .set = 1, .states = { 2 } }, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(set_check, set_check_cases, name);

static void set_check_test(struct kunit *test)
{
	const struct set_check_case *param = test->param_value;
	struct entry_made *new = entry_make(test, &param->new), *old[SET_OLD];
	struct list_head saved;
	unsigned int i;

	for (i = 0; i < param->nr; i++)
		old[i] = entry_make(test, &param->old[i]);

	guard(klp_patches)(&saved);

	for (i = 0; i < param->nr; i++)
		list_add_tail(&old[i]->patch.list, &klp_patches);
	KUNIT_EXPECT_EQ(test, klp_set_check(&new->patch), param->ret);
}

/* --- klp_set_rival() ---------------------------------------------------------------------- */

struct set_rival_case {
	const char *name;
	/* Patches with the function, oldest first. */
	struct entry_patch old[SET_OLD];
	unsigned int nr;
	struct entry_patch new;
	/* Index of the rival in @old, or -1. */
	int rival;
};

static const struct set_rival_case set_rival_cases[] = {
	{ "nobody there", {}, 0, { .set = 1 }, -1 },
	{ "the same set", { { .funcs = { F("f") } } }, 1, {}, -1 },
	{ "another set", { { .funcs = { F("f") } } }, 1, { .set = 1 }, 0 },
	{ "a set that is superseded", { { .set = 2, .funcs = { F("f") } } }, 1,
	  { .replace = true, .supersedes = { 2 } }, -1 },
	{ "below its own set", { { .set = 2, .funcs = { F("f") } }, { .funcs = { F("g") } } }, 2,
	  {}, 0 },
	{ "below one that is superseded", { { .set = 2, .funcs = { F("f") } },
	    { .set = 3, .funcs = { F("g") } } }, 2, { .replace = true, .supersedes = { 3 } }, 0 },
	{ "the newest of two", { { .set = 2, .funcs = { F("f") } },
	    { .set = 2, .funcs = { F("g") } } }, 2, {}, 1 },
	{ "a nop", { { .set = 2, .funcs = { NOP("f") } } }, 1, {}, -1 },
};

KUNIT_ARRAY_PARAM_DESC(set_rival, set_rival_cases, name);

static void set_rival_test(struct kunit *test)
{
	const struct set_rival_case *param = test->param_value;
	struct entry_made *new = entry_make(test, &param->new), *old;
	struct klp_layer layer[SET_OLD] = {};
	struct klp_site site = { .ip = 1 };
	unsigned int i;

	INIT_LIST_HEAD(&site.layers);
	for (i = 0; i < param->nr; i++) {
		old = entry_make(test, &param->old[i]);
		layer[i].patch = &old->patch;
		layer[i].func = &old->funcs[0];
		klp_site_push(&site, &layer[i]);
	}
	KUNIT_EXPECT_PTR_EQ(test, klp_set_rival(&site, &new->patch),
			    param->rival < 0 ? NULL : &layer[param->rival]);
}

static struct kunit_case set_test_cases[] = {
	KUNIT_CASE_PARAM(set_pair_test, set_pair_gen_params),
	KUNIT_CASE_PARAM(set_check_test, set_check_gen_params),
	KUNIT_CASE_PARAM(set_rival_test, set_rival_gen_params),
	{}
};

static struct kunit_suite set_suite = {
	.name = "livepatch_set",
	.test_cases = set_test_cases,
};

kunit_test_suite(set_suite);
