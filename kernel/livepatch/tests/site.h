/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What site_kunit.c plays with: a function, patches that may have something to say about it, and
 * what the core does around the calls of world.c and site.c that are under test.
 */
#ifndef _LIVEPATCH_TESTS_SITE_H
#define _LIVEPATCH_TESTS_SITE_H

#include <kunit/test.h>
#include <linux/list.h>
#include "../internal.h"

#define SITE_PATCHES	4

/* What a patch has to say about the function. */
enum site_kind { SITE_ABSENT, SITE_FUNC, SITE_NOP, SITE_KINDS };

/* Code of the original and its cold part, and of the replacement by patch @i and its cold part. */
#define SITE_ORIG		0x100000UL
#define SITE_ORIG_COLD		0x180000UL
#define SITE_NEW(i)		(0x200000UL + 0x100000UL * (i))
#define SITE_NEW_COLD(i)	(SITE_NEW(i) + 0x80000UL)
#define SITE_SIZE		0x200UL
/* As on architectures whose functions start with something in front of the call. */
#define SITE_IP			(SITE_ORIG + 4)

/* Patches that stand for themselves, oldest first, and one function that they may patch. */
struct site_fixture {
	struct klp_patch patch[SITE_PATCHES];
	struct klp_func func[SITE_PATCHES];
	struct klp_layer layer[SITE_PATCHES];
	struct klp_code *orig, *code[SITE_PATCHES];
	struct klp_site site;
	/* For guard(klp_patches). */
	struct list_head saved;
};

static struct klp_code *site_code_make(struct kunit *test, unsigned long body, unsigned long cold)
{
	struct klp_code *code = kunit_kzalloc(test, struct_size(code, part, 2), GFP_KERNEL);

	if (!code)
		return NULL;
	code->nr = 2;
	code->part[0] = (struct klp_range){ body, body + SITE_SIZE };
	code->part[1] = (struct klp_range){ cold, cold + SITE_SIZE };
	return code;
}

static int site_init(struct kunit *test)
{
	struct site_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int i;

	if (!fix)
		return -ENOMEM;
	test->priv = fix;

	fix->orig = site_code_make(test, SITE_ORIG, SITE_ORIG_COLD);
	if (!fix->orig)
		return -ENOMEM;
	for (i = 0; i < SITE_PATCHES; i++) {
		fix->code[i] = site_code_make(test, SITE_NEW(i), SITE_NEW_COLD(i));
		if (!fix->code[i])
			return -ENOMEM;
		fix->layer[i].patch = &fix->patch[i];
		fix->layer[i].func = &fix->func[i];
		fix->layer[i].ip = SITE_IP;
		fix->layer[i].orig = fix->orig;
	}
	return 0;
}

/* Patch @i replaces the function, leads back to the original, or does not name it. */
static void site_set_kind(struct site_fixture *fix, unsigned int i, enum site_kind kind)
{
	fix->func[i].nop = kind == SITE_NOP;
	fix->func[i].new_func = kind == SITE_FUNC ? (void *)SITE_NEW(i) : NULL;
	fix->layer[i].code = kind == SITE_FUNC ? fix->code[i] : NULL;
}

static void site_reset(struct site_fixture *fix)
{
	unsigned int i;

	for (i = 0; i < SITE_PATCHES; i++) {
		fix->patch[i].worlds = KLP_NOWHERE;
		fix->patch[i].replace = false;
		fix->layer[i].site = NULL;
	}
	fix->site = (struct klp_site){ .ip = SITE_IP };
	INIT_LIST_HEAD(&fix->site.layers);
	INIT_LIST_HEAD(&klp_patches);
}

static void site_route(struct site_fixture *fix)
{
	klp_site_route(&fix->site, 0);
	klp_site_route(&fix->site, 1);
}

/* What the core does when patch @i comes in: it is new, so it stands at the end of the list. */
static void site_admit(struct site_fixture *fix, unsigned int i, enum site_kind kind)
{
	site_set_kind(fix, i, kind);
	list_add_tail(&fix->patch[i].list, &klp_patches);
	if (kind != SITE_ABSENT)
		klp_site_push(&fix->site, &fix->layer[i]);
}

/* What the core does when all tasks are in world @target. */
static void site_settle(struct site_fixture *fix, int target)
{
	struct klp_patch *patch, *tmp;

	list_for_each_entry_safe(patch, tmp, &klp_patches, list) {
		klp_world_settle(patch, target);
		if (patch->worlds != KLP_NOWHERE)
			continue;
		list_del(&patch->list);
		klp_site_pop(&fix->layer[patch - fix->patch]);
	}
	site_route(fix);
}

#endif /* _LIVEPATCH_TESTS_SITE_H */
