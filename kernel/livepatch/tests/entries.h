/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patches made from tables, for tests of what the core reads in them: objects and functions by
 * name, system states and sets. Nothing of them can be patched.
 */
#ifndef _LIVEPATCH_TESTS_ENTRIES_H
#define _LIVEPATCH_TESTS_ENTRIES_H

#include <kunit/test.h>
#include "patches.h"

#define ENTRY_MOST	4

enum entry_kind { ENTRY_FUNC, ENTRY_GUARD, ENTRY_NOP };

/* A function; @obj is NULL for vmlinux, and @name for the end of a list. */
struct entry_func {
	const char *obj, *name;
	unsigned long pos;
	enum entry_kind kind;
};

struct entry_patch {
	unsigned int set;
	bool replace;
	/* Ended by 0. */
	unsigned int supersedes[ENTRY_MOST];
	unsigned long states[ENTRY_MOST];
	struct entry_func funcs[ENTRY_MOST];
};

/* A patch and everything that it points to. */
struct entry_made {
	struct klp_patch patch;
	struct module mod;
	struct klp_object objs[ENTRY_MOST];
	struct klp_func funcs[ENTRY_MOST];
	struct klp_state states[ENTRY_MOST + 1];
};

static struct klp_object *entry_object(struct entry_made *made, const char *name)
{
	unsigned int i;

	for (i = 0; i < ENTRY_MOST && made->objs[i].node.next; i++) {
		if (!strcmp(klp_object_name(&made->objs[i]), name ?: "vmlinux"))
			return &made->objs[i];
	}
	made->objs[i].name = name;
	klp_object_init(&made->patch, &made->objs[i]);
	return &made->objs[i];
}

/* What the author, the loader and klp_patch_init() do; the patch is in no list. */
static struct entry_made *entry_make(struct kunit *test, const struct entry_patch *from)
{
	struct entry_made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, made);
	snprintf(made->mod.name, sizeof(made->mod.name), "kunit_set_%u", from->set);
	made->patch.mod = &made->mod;
	made->patch.replace = from->replace;
	made->patch.replace_set = from->set;
	made->patch.supersedes = from->supersedes[0] ? from->supersedes : NULL;
	INIT_LIST_HEAD(&made->patch.obj_list);

	for (i = 0; i < ENTRY_MOST && from->states[i]; i++)
		made->states[i].id = from->states[i];
	made->patch.states = i ? made->states : NULL;

	for (i = 0; i < ENTRY_MOST && from->funcs[i].name; i++) {
		made->funcs[i].old_name = from->funcs[i].name;
		made->funcs[i].old_sympos = from->funcs[i].pos;
		made->funcs[i].guard = from->funcs[i].kind == ENTRY_GUARD;
		made->funcs[i].nop = from->funcs[i].kind == ENTRY_NOP;
		klp_func_init(entry_object(made, from->funcs[i].obj), &made->funcs[i]);
	}
	return made;
}

#endif /* _LIVEPATCH_TESTS_ENTRIES_H */
