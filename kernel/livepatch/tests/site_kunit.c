// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are patches present in the right worlds (world.c), and do calls go to the right place (site.c)?
 *
 * First with tables that can be read, then with all small combinations against a model that knows
 * nothing about bits, lists and layers: a world is the set of the patches that are in it, and a
 * call goes to the newest of them that has something to say about the function.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include "patches.h"
#include "site.h"
#include "twin.h"

const struct klp_twin klp_twin_of_site = { klp_twin };

/* --- world.c, row by row ------------------------------------------------------------------- */

/* What becomes of a patch when P is enabled, enabled with .replace, or disabled. */
struct world_case {
	const char *name;
	enum { WORLD_ENABLE, WORLD_REPLACE, WORLD_DISABLE } op;
	bool is_p;
	unsigned char before, during, with, without;
};

static const struct world_case world_cases[] = {
	{ "enable P: P", WORLD_ENABLE, true, 0b00, 0b10, 0b11, 0b00 },
	{ "enable P: another", WORLD_ENABLE, false, 0b11, 0b11, 0b11, 0b11 },
	{ "P replaces Q: P", WORLD_REPLACE, true, 0b00, 0b10, 0b11, 0b00 },
	{ "P replaces Q: Q", WORLD_REPLACE, false, 0b11, 0b01, 0b00, 0b11 },
	{ "disable P: P", WORLD_DISABLE, true, 0b11, 0b10, 0b11, 0b00 },
	{ "disable P: another", WORLD_DISABLE, false, 0b11, 0b11, 0b11, 0b11 },
};

KUNIT_ARRAY_PARAM_DESC(world, world_cases, name);

static void world_table_test(struct kunit *test)
{
	const struct world_case *param = test->param_value;
	struct site_fixture *fix = test->priv;
	struct klp_patch *p = &fix->patch[1], *watched = &fix->patch[!!param->is_p];
	int target;

	guard(klp_patches)(&fix->saved);
	site_reset(fix);

	for (target = 0; target <= 1; target++) {
		site_reset(fix);
		site_admit(fix, 0, SITE_FUNC);
		site_admit(fix, 1, SITE_FUNC);
		fix->patch[0].worlds = KLP_EVERYWHERE;
		p->worlds = param->op == WORLD_DISABLE ? KLP_EVERYWHERE : KLP_NOWHERE;
		p->replace = param->op == WORLD_REPLACE;
		KUNIT_EXPECT_EQ(test, watched->worlds, param->before);

		if (param->op == WORLD_DISABLE)
			klp_world_disable(p);
		else
			klp_world_enable(p);
		KUNIT_EXPECT_EQ(test, watched->worlds, param->during);
		KUNIT_EXPECT_EQ(test, klp_world_has(watched, 0), param->during & 1);
		KUNIT_EXPECT_EQ(test, klp_world_has(watched, 1), param->during >> 1);
		KUNIT_EXPECT_EQ(test, klp_world_loses(watched, 0), param->during == 0b10);
		KUNIT_EXPECT_EQ(test, klp_world_loses(watched, 1), param->during == 0b01);

		klp_world_settle(watched, target);
		KUNIT_EXPECT_EQ(test, watched->worlds, target ? param->with : param->without);
	}
}

/* --- stories ----------------------------------------------------------------------------- */

/*
 * One transition: patch A to D is enabled ('+'), enabled with .replace ('*') or disabled ('-'),
 * and settles in world @target, which is not what was asked for when it was reversed. Then where
 * calls go in each world meanwhile and after it; 'o' is the original.
 */
struct story_step {
	char op;
	char who;
	int target;
	char dest[2];
	char after;
};

struct story {
	const char *name;
	/* A lower case letter: this patch has a nop for the function; '-': nothing at all. */
	const char *kinds;
	struct story_step step[8];
};

static const struct story stories[] = {
	{ "enable, disable", "A", {
		{ '+', 'A', 1, "oA", 'A' }, { '-', 'A', 0, "oA", 'o' } } },
	{ "enable reversed", "A", { { '+', 'A', 0, "oA", 'o' } } },
	{ "disable reversed", "A", {
		{ '+', 'A', 1, "oA", 'A' }, { '-', 'A', 1, "oA", 'A' },
		{ '-', 'A', 0, "oA", 'o' } } },
	{ "stacked, last in first out", "ABC", {
		{ '+', 'A', 1, "oA", 'A' }, { '+', 'B', 1, "AB", 'B' },
		{ '+', 'C', 1, "BC", 'C' },
		{ '-', 'C', 0, "BC", 'B' }, { '-', 'B', 0, "AB", 'A' },
		{ '-', 'A', 0, "oA", 'o' } } },
	{ "stacked, first in first out", "ABC", {
		{ '+', 'A', 1, "oA", 'A' }, { '+', 'B', 1, "AB", 'B' },
		{ '+', 'C', 1, "BC", 'C' },
		{ '-', 'A', 0, "CC", 'C' }, { '-', 'B', 0, "CC", 'C' },
		{ '-', 'C', 0, "oC", 'o' } } },
	{ "stacked, from the middle", "ABC", {
		{ '+', 'A', 1, "oA", 'A' }, { '+', 'B', 1, "AB", 'B' },
		{ '+', 'C', 1, "BC", 'C' },
		{ '-', 'B', 0, "CC", 'C' }, { '-', 'C', 0, "AC", 'A' } } },
	{ "a patch for something else", "A-C", {
		{ '+', 'A', 1, "oA", 'A' }, { '+', 'B', 1, "AA", 'A' }, { '-', 'A', 0, "oA", 'o' },
		{ '+', 'C', 1, "oC", 'C' } } },
	{ "replaced by a newer version", "ABC", {
		{ '+', 'A', 1, "oA", 'A' }, { '+', 'B', 1, "AB", 'B' }, { '*', 'C', 1, "BC", 'C' },
		{ '-', 'C', 0, "oC", 'o' } } },
	{ "replaced by a nop", "Ab", {
		{ '+', 'A', 1, "oA", 'A' }, { '*', 'B', 1, "Ao", 'o' },
		{ '-', 'B', 0, "oo", 'o' } } },
	{ "replace reversed", "ABcD", {
		{ '+', 'A', 1, "oA", 'A' }, { '+', 'B', 1, "AB", 'B' }, { '*', 'C', 0, "Bo", 'B' },
		{ '*', 'D', 0, "BD", 'B' }, { '-', 'B', 0, "AB", 'A' } } },
	{ "stacked on a cumulative one", "ABC", {
		{ '*', 'A', 1, "oA", 'A' }, { '*', 'B', 1, "AB", 'B' },
		{ '+', 'C', 1, "BC", 'C' },
		{ '-', 'B', 0, "CC", 'C' }, { '-', 'C', 0, "oC", 'o' } } },
};

KUNIT_ARRAY_PARAM_DESC(story, stories, name);

static enum site_kind story_kind(const struct story *story, unsigned int i)
{
	char kind = story->kinds[i];

	if (kind == '-')
		return SITE_ABSENT;
	return kind >= 'a' ? SITE_NOP : SITE_FUNC;
}

static void *story_dest(char who)
{
	return who == 'o' ? NULL : (void *)SITE_NEW(who - 'A');
}

static void site_story_test(struct kunit *test)
{
	const struct story *story = test->param_value;
	struct site_fixture *fix = test->priv;
	const struct story_step *step;
	unsigned int nr = 0;

	guard(klp_patches)(&fix->saved);
	site_reset(fix);

	for (step = story->step; step->op; step++) {
		unsigned int i = step->who - 'A';
		int w;

		nr++;
		if (step->op == '-') {
			klp_world_disable(&fix->patch[i]);
		} else {
			site_admit(fix, i, story_kind(story, i));
			fix->patch[i].replace = step->op == '*';
			klp_world_enable(&fix->patch[i]);
		}
		site_route(fix);
		for (w = 0; w <= 1; w++)
			KUNIT_EXPECT_PTR_EQ_MSG(test, fix->site.dest[w], story_dest(step->dest[w]),
						"step %u, world %d", nr, w);

		site_settle(fix, step->target);
		for (w = 0; w <= 1; w++)
			KUNIT_EXPECT_PTR_EQ_MSG(test, fix->site.dest[w], story_dest(step->after),
						"after step %u, world %d", nr, w);
	}
}

/* --- everything, against a model ------------------------------------------------------------- */

/* The newest patch of a world that says something about the function, -1 when none does. */
static int model_winner(unsigned long world, const enum site_kind *kind)
{
	int i;

	for (i = SITE_PATCHES - 1; i >= 0; i--) {
		if (world & BIT(i) && kind[i] != SITE_ABSENT)
			return i;
	}
	return -1;
}

static void *model_dest(unsigned long world, const enum site_kind *kind)
{
	int winner = model_winner(world, kind);

	return winner >= 0 && kind[winner] == SITE_FUNC ? (void *)SITE_NEW(winner) : NULL;
}

/* Worlds by the core against two sets of patches. Returns whether they agree. */
static bool model_agrees(struct site_fixture *fix, const enum site_kind *kind,
			 const unsigned long *world)
{
	unsigned int i;
	int w;

	for (i = 0; i < SITE_PATCHES; i++) {
		for (w = 0; w <= 1; w++) {
			bool here = world[w] & BIT(i), there = world[!w] & BIT(i);

			if (klp_world_has(&fix->patch[i], w) != here)
				return false;
			if (klp_world_loses(&fix->patch[i], w) != (there && !here))
				return false;
		}
	}
	for (w = 0; w <= 1; w++) {
		int winner = model_winner(world[w], kind);

		if (klp_site_winner(&fix->site, w) != (winner < 0 ? NULL : &fix->layer[winner]))
			return false;
		if (klp_site_dest(&fix->site, w) != model_dest(world[w], kind))
			return false;
		if (fix->site.dest[w] != model_dest(world[w], kind))
			return false;
	}
	return true;
}

/* Is @addr code that a task has to leave when it leaves world @from? */
static bool model_forbids(unsigned long addr, int from, const enum site_kind *kind,
			  const unsigned long *world)
{
	void *dest = model_dest(world[from], kind);
	unsigned long cold = SITE_NEW_COLD(model_winner(world[from], kind));
	unsigned long body = (unsigned long)dest;

	/* The end of the way, wherever else it leads. */
	if (dest && addr == body)
		return true;
	if (dest == model_dest(world[!from], kind))
		return false;
	if (!dest) {
		body = SITE_ORIG;
		cold = SITE_ORIG_COLD;
	} else if (addr >= SITE_ORIG && addr <= SITE_IP + MCOUNT_INSN_SIZE) {
		return true;
	}
	return (addr >= body && addr <= body + SITE_SIZE) ||
	       (addr >= cold && addr <= cold + SITE_SIZE);
}

/* The addresses where something begins or ends, and one on each side of them. */
static bool model_forbids_same(struct site_fixture *fix, const enum site_kind *kind,
			       const unsigned long *world)
{
	struct klp_ranges *set;
	bool same = true;
	int from, i, off;

	for (from = 0; from <= 1; from++) {
		set = NULL;
		same &= !klp_site_forbid(&fix->site, from, &set);
		klp_ranges_seal(set);
		for (i = -1; i < SITE_PATCHES; i++) {
			unsigned long body = i < 0 ? SITE_ORIG : SITE_NEW(i);
			unsigned long edge[] = {
				body, SITE_IP + MCOUNT_INSN_SIZE, body + SITE_SIZE,
				body + 0x80000, body + 0x80000 + SITE_SIZE,
			};

			for (off = 0; off < 3 * ARRAY_SIZE(edge); off++) {
				unsigned long addr = edge[off / 3] + off % 3 - 1;

				same &= klp_ranges_contain(set, addr) ==
					model_forbids(addr, from, kind, world);
			}
		}
		kvfree(set);
	}
	return same;
}

/* Bring the core to rest with the patches of @installed. */
static void model_load(struct site_fixture *fix, const enum site_kind *kind,
		       unsigned long installed)
{
	unsigned int i;

	site_reset(fix);
	for (i = 0; i < SITE_PATCHES; i++) {
		site_set_kind(fix, i, kind[i]);
		if (!(installed & BIT(i)))
			continue;
		site_admit(fix, i, kind[i]);
		fix->patch[i].worlds = KLP_EVERYWHERE;
	}
	site_route(fix);
}

/*
 * One transition from rest to rest. Tasks start in world @start and nothing may change for those
 * that have not moved, nor for those that have arrived when it settles.
 */
static bool model_step(struct site_fixture *fix, const enum site_kind *kind,
		       const unsigned long *world, int start, int target)
{
	void *stay = fix->site.dest[start], *arrived;
	unsigned long rest[] = { world[target], world[target] };

	site_route(fix);
	if (fix->site.dest[start] != stay || !model_agrees(fix, kind, world) ||
	    !model_forbids_same(fix, kind, world))
		return false;

	arrived = fix->site.dest[target];
	site_settle(fix, target);
	return fix->site.dest[target] == arrived && model_agrees(fix, kind, rest) &&
	       model_forbids_same(fix, kind, rest);
}

/* Enable the newest patch on top of @installed, with .replace or without. */
static bool model_enable(struct site_fixture *fix, const enum site_kind *kind,
			 unsigned long installed, bool replace, int target)
{
	const unsigned int new = SITE_PATCHES - 1;
	unsigned long world[] = { installed, BIT(new) | (replace ? 0 : installed) };

	model_load(fix, kind, installed);
	site_admit(fix, new, kind[new]);
	fix->patch[new].replace = replace;
	klp_world_enable(&fix->patch[new]);
	return model_step(fix, kind, world, 0, target);
}

static bool model_disable(struct site_fixture *fix, const enum site_kind *kind,
			  unsigned long installed, unsigned int who, int target)
{
	unsigned long world[] = { installed & ~BIT(who), installed };

	model_load(fix, kind, installed);
	klp_world_disable(&fix->patch[who]);
	return model_step(fix, kind, world, 1, target);
}

/*
 * What is at rest is described by the set of installed patches alone. So, when each operation on
 * each set is right and ends at rest, every sequence of operations is right.
 */
static void site_model_test(struct kunit *test)
{
	struct site_fixture *fix = test->priv;
	enum site_kind kind[SITE_PATCHES];
	unsigned int kinds, all = SITE_KINDS, i;
	unsigned long set;
	int target;

	guard(klp_patches)(&fix->saved);
	site_reset(fix);

	for (i = 1; i < SITE_PATCHES; i++)
		all *= SITE_KINDS;
	for (kinds = 0; kinds < all && test->status == KUNIT_SUCCESS; kinds++) {
		for (i = 0, set = kinds; i < SITE_PATCHES; i++, set /= SITE_KINDS)
			kind[i] = set % SITE_KINDS;

		for (set = 0; set < BIT(SITE_PATCHES - 1); set++) {
			for (target = 0; target <= 1; target++) {
				KUNIT_EXPECT_TRUE_MSG(test,
						      model_enable(fix, kind, set, false, target),
						      "kinds %u set %lx to %d", kinds, set, target);
				KUNIT_EXPECT_TRUE_MSG(test,
						      model_enable(fix, kind, set, true, target),
						      "kinds %u set %lx to %d", kinds, set, target);
			}
		}
		for (set = 0; set < BIT(SITE_PATCHES); set++) {
			for_each_set_bit(i, &set, SITE_PATCHES) {
				for (target = 0; target <= 1; target++)
					KUNIT_EXPECT_TRUE_MSG(test,
							      model_disable(fix, kind, set, i,
									    target),
							      "kinds %u set %lx less %u to %d",
							      kinds, set, i, target);
			}
		}
		cond_resched();
	}
}

static void site_pop_test(struct kunit *test)
{
	struct site_fixture *fix = test->priv;

	guard(klp_patches)(&fix->saved);
	site_reset(fix);

	KUNIT_EXPECT_NULL(test, klp_site_winner(&fix->site, 0));
	klp_site_push(&fix->site, &fix->layer[0]);
	klp_site_push(&fix->site, &fix->layer[1]);
	KUNIT_EXPECT_PTR_EQ(test, fix->layer[0].site, &fix->site);
	KUNIT_EXPECT_PTR_EQ(test, list_first_entry(&fix->site.layers, struct klp_layer, node),
			    &fix->layer[1]);

	klp_site_pop(&fix->layer[0]);
	KUNIT_EXPECT_NULL(test, fix->layer[0].site);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&fix->site.layers));
	/* Again, and one that was never there: nothing happens. */
	klp_site_pop(&fix->layer[0]);
	klp_site_pop(&fix->layer[2]);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&fix->site.layers));

	klp_site_pop(&fix->layer[1]);
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->site.layers));
}

static struct kunit_case site_test_cases[] = {
	KUNIT_CASE_PARAM(world_table_test, world_gen_params),
	KUNIT_CASE(site_pop_test),
	KUNIT_CASE_PARAM(site_story_test, story_gen_params),
	KUNIT_CASE(site_model_test),
	{}
};

static struct kunit_suite site_suite = {
	.name = "livepatch_site",
	.init = site_init,
	.test_cases = site_test_cases,
};

kunit_test_suite(site_suite);
