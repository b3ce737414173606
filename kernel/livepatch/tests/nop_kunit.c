// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which functions does a patch get nops for, and where do these stand at a site (nop.c, site.c)?
 */
#include "entries.h"

#define NOP_OLD	2

struct nop_case {
	const char *name;
	/* Enabled patches, oldest first. */
	struct entry_patch old[NOP_OLD];
	struct entry_patch new;
	/* What the patch has afterwards, see nop_list(). */
	const char *list;
};

#define F(name_)	{ .name = (name_) }
#define M(name_)	{ .obj = "mod", .name = (name_) }
#define AT(name_, pos_)	{ .name = (name_), .pos = (pos_) }
#define GUARD(name_)	{ .name = (name_), .kind = ENTRY_GUARD }

static const struct nop_case nop_cases[] = {
	{ "nothing replaced", {}, { .replace = true, .funcs = { F("f") } }, "vmlinux: f" },
	{ "the same function", { { .funcs = { F("f") } } },
	  { .replace = true, .funcs = { F("f") } }, "vmlinux: f" },
	{ "another function", { { .funcs = { F("f"), F("g") } } },
	  { .replace = true, .funcs = { F("f") } }, "vmlinux: f nop(g,0)" },
	{ "another object", { { .funcs = { M("f") } } }, { .replace = true, .funcs = { F("f") } },
	  "vmlinux: f mod: nop(f,0)" },
	{ "position 0 is 1", { { .funcs = { AT("f", 1) } } },
	  { .replace = true, .funcs = { AT("f", 0) } }, "vmlinux: f" },
	{ "another position", { { .funcs = { AT("f", 2) } } },
	  { .replace = true, .funcs = { F("f") } }, "vmlinux: f nop(f,2)" },
	{ "two patches have it", { { .funcs = { F("g") } }, { .funcs = { F("g"), F("h") } } },
	  { .replace = true, .funcs = { F("f") } }, "vmlinux: f nop(g,0) nop(h,0)" },
	{ "another set stays", { { .set = 1, .funcs = { F("g") } }, { .funcs = { F("h") } } },
	  { .replace = true, .funcs = { F("f") } }, "vmlinux: f nop(h,0)" },
	{ "another set is superseded", { { .set = 1, .funcs = { F("g") } },
	    { .funcs = { F("h") } } },
	  { .replace = true, .supersedes = { 1 }, .funcs = { F("f") } },
	  "vmlinux: f nop(g,0) nop(h,0)" },
	{ "it guards the function", { { .funcs = { F("f"), F("g") } } },
	  { .replace = true, .funcs = { GUARD("f") } },
	  "vmlinux: guard(f) hidden(f,0) nop(g,0)" },
	{ "it guards what two have", { { .funcs = { F("f") } }, { .funcs = { AT("f", 1) } } },
	  { .replace = true, .funcs = { GUARD("f") } }, "vmlinux: guard(f) hidden(f,0)" },
	{ "the old one guards", { { .funcs = { GUARD("f"), F("g") } } },
	  { .replace = true, .funcs = { F("h") } }, "vmlinux: h nop(g,0)" },
	{ "both guard", { { .funcs = { GUARD("f") } } },
	  { .replace = true, .funcs = { GUARD("f") } }, "vmlinux: guard(f)" },
	{ "one guards, one replaces", { { .funcs = { GUARD("f") } }, { .funcs = { F("f") } } },
	  { .replace = true, .funcs = { F("h") } }, "vmlinux: h nop(f,0)" },
};

KUNIT_ARRAY_PARAM_DESC(nop, nop_cases, name);

/* "OBJECT: FUNCTION ..."; a nop is shown with its position, since it was made from another. */
static void nop_list(struct klp_patch *patch, char *buf, size_t size)
{
	struct klp_object *obj;
	struct klp_func *func;
	size_t len = 0;

	klp_for_each_object(patch, obj) {
		len += scnprintf(buf + len, size - len, "%s%s:", len ? " " : "",
				 klp_object_name(obj));
		klp_for_each_func(obj, func) {
			if (func->nop)
				len += scnprintf(buf + len, size - len, " %s(%s,%lu)",
						 func->hidden ? "hidden" : "nop", func->old_name,
						 func->old_sympos);
			else
				len += scnprintf(buf + len, size - len,
						 func->guard ? " guard(%s)" : " %s",
						 func->old_name);
		}
	}
}

static void nop_add_test(struct kunit *test)
{
	const struct nop_case *param = test->param_value;
	struct entry_made *new = entry_make(test, &param->new), *old[NOP_OLD];
	char before[64] = "", list[64] = "";
	struct list_head saved;
	unsigned int i;

	for (i = 0; i < NOP_OLD; i++)
		old[i] = entry_make(test, &param->old[i]);
	nop_list(&new->patch, before, sizeof(before));

	guard(klp_patches)(&saved);

	for (i = 0; i < NOP_OLD; i++)
		list_add_tail(&old[i]->patch.list, &klp_patches);
	KUNIT_EXPECT_EQ(test, klp_patch_add_nops(&new->patch), 0);
	nop_list(&new->patch, list, sizeof(list));
	KUNIT_EXPECT_STREQ(test, list, param->list);

	klp_patch_free_nops(&new->patch);
	nop_list(&new->patch, list, sizeof(list));
	KUNIT_EXPECT_STREQ(test, list, before);
}

/* A function with two names: the patch replaces one of them and gets a nop for the other one. */
static void nop_alias_test(struct kunit *test)
{
	struct klp_patch old = { .worlds = KLP_WITHOUT }, new = { .worlds = KLP_WITH };
	struct klp_func was = { .new_func = &old }, is = { .new_func = &new };
	struct klp_func nop = { .nop = true };
	struct klp_layer layer[] = {
		{ .patch = &old, .func = &was },
		{ .patch = &new, .func = &is },
		{ .patch = &new, .func = &nop },
	};
	struct klp_site site = { .ip = 1 };
	unsigned int i;

	INIT_LIST_HEAD(&site.layers);
	for (i = 0; i < ARRAY_SIZE(layer); i++)
		klp_site_push(&site, &layer[i]);
	KUNIT_EXPECT_PTR_EQ(test, klp_site_dest(&site, 0), (void *)&old);
	KUNIT_EXPECT_PTR_EQ(test, klp_site_dest(&site, 1), (void *)&new);

	/* The nop alone leads to the original, above the older patch. */
	klp_site_pop(&layer[1]);
	KUNIT_EXPECT_PTR_EQ(test, klp_site_winner(&site, 1), &layer[2]);
	klp_site_pop(&layer[2]);
	klp_site_push(&site, &layer[2]);
	KUNIT_EXPECT_PTR_EQ(test, klp_site_winner(&site, 1), &layer[2]);
	KUNIT_EXPECT_NULL(test, klp_site_dest(&site, 1));
}

static struct kunit_case nop_test_cases[] = {
	KUNIT_CASE_PARAM(nop_add_test, nop_gen_params),
	KUNIT_CASE(nop_alias_test),
	{}
};

static struct kunit_suite nop_suite = {
	.name = "livepatch_nop",
	.test_cases = nop_test_cases,
};

kunit_test_suite(nop_suite);
