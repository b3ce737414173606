// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is what tasks have to leave (forbid.c) what patches that come and go have asked for, in both
 * directions, and nothing of those that stay?
 *
 * Patches with guards need no site, so the lists here are complete. What a site adds to a guard is
 * tested with a site that nobody has registered.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/module.h>
#include "../internal.h"
#include "patches.h"

#define FORBID_PATCHES	2

/* Code of patch @i's guard, the guard's cold part, a replacement; and the text of its module. */
#define FORBID_GUARD(i)	(0x100000UL + 0x100000UL * (i))
#define FORBID_COLD(i)	(FORBID_GUARD(i) + 0x20000UL)
#define FORBID_NEW(i)	(FORBID_GUARD(i) + 0x40000UL)
#define FORBID_TEXT(i)	(FORBID_GUARD(i) + 0x60000UL)
#define FORBID_SIZE	0x100UL

/* A patch of one object, with one guard. */
struct forbid_patch {
	struct klp_patch patch;
	struct klp_object obj;
	struct klp_func func;
	struct klp_layer layer;
	struct module *mod;
	struct klp_code *code;
};

struct forbid_fixture {
	struct forbid_patch p[FORBID_PATCHES];
	/* For guard(klp_patches). */
	struct list_head saved;
};

static struct klp_code *forbid_code_make(struct kunit *test, unsigned long body, unsigned long cold)
{
	struct klp_code *code = kunit_kzalloc(test, struct_size(code, part, 2), GFP_KERNEL);

	if (!code)
		return NULL;
	code->nr = cold ? 2 : 1;
	code->part[0] = (struct klp_range){ body, body + FORBID_SIZE };
	if (cold)
		code->part[1] = (struct klp_range){ cold, cold + FORBID_SIZE };
	return code;
}

static int forbid_init(struct kunit *test)
{
	struct forbid_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int i;

	if (!fix)
		return -ENOMEM;
	test->priv = fix;

	for (i = 0; i < FORBID_PATCHES; i++) {
		struct forbid_patch *p = &fix->p[i];

		p->mod = kunit_kzalloc(test, sizeof(*p->mod), GFP_KERNEL);
		p->layer.orig = forbid_code_make(test, FORBID_GUARD(i), FORBID_COLD(i));
		p->code = forbid_code_make(test, FORBID_NEW(i), 0);
		if (!p->mod || !p->layer.orig || !p->code)
			return -ENOMEM;
		p->mod->mem[MOD_TEXT].base = (void *)FORBID_TEXT(i);
		p->mod->mem[MOD_TEXT].size = FORBID_SIZE;
		p->patch.mod = p->mod;
		p->layer.patch = &p->patch;
		p->layer.func = &p->func;
		INIT_LIST_HEAD(&p->patch.obj_list);
		klp_object_init(&p->patch, &p->obj);
		klp_func_init(&p->obj, &p->func);
		p->func.guard = true;
		p->func.layer = &p->layer;
	}
	return 0;
}

/* Patch @i is there, in these worlds. */
static void forbid_place(struct forbid_fixture *fix, unsigned int i, unsigned char worlds)
{
	fix->p[i].patch.worlds = worlds;
	list_add_tail(&fix->p[i].patch.list, &klp_patches);
}

/* All of a piece of code is in the set, or none. */
static void forbid_expect(struct kunit *test, const struct klp_ranges *set, unsigned long start,
			  bool inside)
{
	KUNIT_EXPECT_EQ_MSG(test, klp_ranges_contain(set, start), inside, "start of %lx", start);
	KUNIT_EXPECT_EQ_MSG(test, klp_ranges_contain(set, start + FORBID_SIZE - 1), inside,
			    "end of %lx", start);
	KUNIT_EXPECT_FALSE_MSG(test, klp_ranges_contain(set, start - 1), "before %lx", start);
	KUNIT_EXPECT_FALSE_MSG(test, klp_ranges_contain(set, start + FORBID_SIZE + 1),
			       "behind %lx", start);
}

/* Where a patch is, and whether what it asks for counts. */
struct forbid_case {
	const char *name;
	unsigned char worlds;
	bool counts;
};

static const struct forbid_case forbid_cases[] = {
	{ "nowhere", KLP_NOWHERE, false },
	{ "in world 0 only", KLP_WITHOUT, true },
	{ "in world 1 only", KLP_WITH, true },
	{ "in both", KLP_EVERYWHERE, false },
};

KUNIT_ARRAY_PARAM_DESC(forbid, forbid_cases, name);

static void forbid_expect_all(struct kunit *test, int target, bool first, bool second)
{
	struct forbid_fixture *fix = test->priv;
	struct klp_forbidden forbidden;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, klp_forbidden_collect(target, &forbidden), 0);
	for (i = 0; i < FORBID_PATCHES; i++) {
		bool counts = i ? second : first;

		forbid_expect(test, forbidden.code, FORBID_GUARD(i), counts);
		forbid_expect(test, forbidden.code, FORBID_COLD(i), counts);
		forbid_expect(test, forbidden.code, FORBID_NEW(i), false);
		/* In one direction only: who arrives does not have to leave his module. */
		forbid_expect(test, forbidden.text, FORBID_TEXT(i),
			      klp_world_loses(&fix->p[i].patch, target));
	}
	kvfree(forbidden.code);
	kvfree(forbidden.text);
}

static void forbid_guard_test(struct kunit *test)
{
	const struct forbid_case *param = test->param_value;
	struct forbid_fixture *fix = test->priv;
	int target;

	guard(klp_patches)(&fix->saved);
	forbid_place(fix, 0, param->worlds);
	/* One that is replaced at the same time, or stays. */
	forbid_place(fix, 1, KLP_WITHOUT);
	for (target = 0; target <= 1; target++)
		forbid_expect_all(test, target, param->counts, true);
	fix->p[1].patch.worlds = KLP_EVERYWHERE;
	for (target = 0; target <= 1; target++)
		forbid_expect_all(test, target, param->counts, false);

	/* Its object goes away. */
	fix->p[0].func.layer = NULL;
	for (target = 0; target <= 1; target++)
		forbid_expect_all(test, target, false, false);
}

/* The same function in a patch that has a replacement for it, hooked nowhere. */
static void forbid_no_guard_test(struct kunit *test)
{
	struct forbid_fixture *fix = test->priv;
	int target;

	guard(klp_patches)(&fix->saved);
	fix->p[0].func.guard = false;
	forbid_place(fix, 0, KLP_WITH);
	forbid_place(fix, 1, KLP_EVERYWHERE);
	for (target = 0; target <= 1; target++)
		forbid_expect_all(test, target, false, false);
}

static void forbid_kernel_test(struct kunit *test)
{
	const struct forbid_case *param = test->param_value;
	struct forbid_fixture *fix = test->priv;
	unsigned int who;
	int target;

	guard(klp_patches)(&fix->saved);
	forbid_place(fix, 0, param->worlds);
	forbid_place(fix, 1, KLP_EVERYWHERE);

	for (who = 0; who < 4; who++) {
		fix->p[0].patch.leave_kernel = who & 1;
		fix->p[1].patch.leave_kernel = who & 2;
		for (target = 0; target <= 1; target++) {
			struct klp_forbidden forbidden;

			KUNIT_EXPECT_EQ(test, klp_forbidden_collect(target, &forbidden), 0);
			KUNIT_EXPECT_EQ(test, forbidden.kernel, param->counts && (who & 1));
			kvfree(forbidden.code);
			kvfree(forbidden.text);
		}
	}
}

/* The newest layer comes first; patch 0 is older. */
struct watch_case {
	const char *name;
	unsigned char worlds[FORBID_PATCHES];
	bool nop[FORBID_PATCHES];
	bool watched[FORBID_PATCHES];
};

static const struct watch_case watch_cases[] = {
	{ "in no world", { 0b00, 0b00 }, { }, { false, false } },
	{ "one in both", { 0b11, 0b00 }, { }, { true, false } },
	{ "one on top of the other", { 0b11, 0b11 }, { }, { false, true } },
	{ "one comes on top", { 0b11, 0b10 }, { }, { true, true } },
	{ "one replaces the other", { 0b01, 0b10 }, { }, { true, true } },
	{ "one reverts the other", { 0b01, 0b10 }, { false, true }, { true, false } },
	{ "the older one goes", { 0b10, 0b11 }, { }, { false, true } },
};

KUNIT_ARRAY_PARAM_DESC(watch, watch_cases, name);

static void forbid_watch_test(struct kunit *test)
{
	const struct watch_case *param = test->param_value;
	struct forbid_fixture *fix = test->priv;
	struct klp_ranges *set = NULL;
	struct klp_site site = { };
	unsigned int i;

	guard(klp_patches)(&fix->saved);
	INIT_LIST_HEAD(&site.layers);
	for (i = 0; i < FORBID_PATCHES; i++) {
		fix->p[i].patch.worlds = param->worlds[i];
		fix->p[i].layer.code = param->nop[i] ? NULL : fix->p[i].code;
		klp_site_push(&site, &fix->p[i].layer);
	}

	KUNIT_EXPECT_EQ(test, klp_site_watch(&site, &set), 0);
	klp_ranges_seal(set);
	for (i = 0; i < FORBID_PATCHES; i++)
		forbid_expect(test, set, FORBID_NEW(i), param->watched[i]);
	kvfree(set);
}

/* What is known about a task that looks at itself. */
static void forbid_look_test(struct kunit *test)
{
	unsigned long where = 0;

	guard(mutex)(&klp_mutex);
	KUNIT_EXPECT_EQ(test, klp_task_look(current, &where), KLP_RUNNING);
	KUNIT_EXPECT_EQ(test, where, 0);
}

static struct kunit_case forbid_test_cases[] = {
	KUNIT_CASE_PARAM(forbid_guard_test, forbid_gen_params),
	KUNIT_CASE(forbid_no_guard_test),
	KUNIT_CASE_PARAM(forbid_kernel_test, forbid_gen_params),
	KUNIT_CASE_PARAM(forbid_watch_test, watch_gen_params),
	KUNIT_CASE(forbid_look_test),
	{}
};

static struct kunit_suite forbid_suite = {
	.name = "livepatch_forbid",
	.init = forbid_init,
	.test_cases = forbid_test_cases,
};

kunit_test_suite(forbid_suite);
