// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are symbols of vmlinux, where these tests are, found and judged as promised (symbol.c)?
 */
#include <kunit/test.h>
#include <linux/kallsyms.h>
#include <linux/sort.h>
#include "../internal.h"
#include "twin.h"

/* --- klp_symbol_check() -------------------------------------------------------------------- */

struct check_case {
	unsigned long pos, count;
	int ret;
};

static const struct check_case check_cases[] = {
	{ 0, 0, -EINVAL }, { 1, 0, -EINVAL }, { 2, 0, -EINVAL },
	{ 0, 1, 0 }, { 1, 1, 0 }, { 2, 1, -EINVAL },
	{ 0, 2, -EINVAL }, { 1, 2, 0 }, { 2, 2, 0 }, { 3, 2, -EINVAL },
	{ 0, 3, -EINVAL }, { 3, 3, 0 }, { ULONG_MAX, 3, -EINVAL },
};

static void check_desc(const struct check_case *param, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "position %lu of %lu", param->pos, param->count);
}

KUNIT_ARRAY_PARAM(check, check_cases, check_desc);

static void symbol_check_test(struct kunit *test)
{
	const struct check_case *param = test->param_value;
	const struct klp_symbol sym = {
		.name = "some_function",
		.pos = param->pos,
		.count = param->count,
	};

	KUNIT_EXPECT_EQ(test, klp_symbol_check(&sym, "kunit", "some_object"), param->ret);
}

/* --- klp_symbols_find() -------------------------------------------------------------------- */

static int find_locked(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	guard(mutex)(&klp_mutex);
	return klp_symbols_find(mod, syms, nr);
}

static int symbol_cmp(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

static void find_unique_test(struct kunit *test)
{
	struct klp_symbol sym[] = {
		{ .name = "klp_enable_patch" },
		{ .name = "klp_enable_patch", .pos = 1 },
		{ .name = "klp_enable_patch", .pos = 2 },
	};
	unsigned long addr = (unsigned long)klp_enable_patch, size;

	KUNIT_ASSERT_TRUE(test, kallsyms_lookup_size_offset(addr, &size, NULL));
	KUNIT_ASSERT_EQ(test, find_locked(NULL, sym, ARRAY_SIZE(sym)), 0);

	KUNIT_EXPECT_EQ(test, sym[0].count, 1);
	KUNIT_EXPECT_EQ(test, sym[0].addr, addr);
	KUNIT_EXPECT_EQ(test, sym[1].count, 1);
	KUNIT_EXPECT_EQ(test, sym[1].addr, addr);
	KUNIT_EXPECT_EQ(test, sym[2].count, 1);
	KUNIT_EXPECT_EQ(test, sym[2].addr, 0);
	KUNIT_EXPECT_NULL(test, sym[2].code);

	KUNIT_EXPECT_NOT_NULL(test, sym[0].code);
	if (sym[0].code) {
		KUNIT_EXPECT_EQ(test, sym[0].code->part[0].start, addr);
		KUNIT_EXPECT_EQ(test, sym[0].code->part[0].end, addr + size);
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
	KUNIT_EXPECT_NULL(test, sym[0].code);
	/* Once more is harmless: error paths do that. */
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* Names that are in no table; the second is only the beginning of one that is. */
static void find_missing_test(struct kunit *test)
{
	struct klp_symbol sym[] = {
		{ .name = "klp_there_is_no_such_function" },
		{ .name = "klp_enable_patc" },
		{ .name = "klp_enable_patchh" },
		{ .name = "" },
		{ .name = "klp_there_is_no_such_function", .pos = 1 },
	};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, find_locked(NULL, sym, ARRAY_SIZE(sym)), 0);
	for (i = 0; i < ARRAY_SIZE(sym); i++) {
		KUNIT_EXPECT_EQ(test, sym[i].count, 0);
		KUNIT_EXPECT_EQ(test, sym[i].addr, 0);
		KUNIT_EXPECT_NULL(test, sym[i].code);
		KUNIT_EXPECT_EQ(test, klp_symbol_check(&sym[i], "kunit", "vmlinux"), -EINVAL);
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* Three functions of one name: without a position that is an error, and positions count up. */
static void find_twins_test(struct kunit *test)
{
	unsigned long twins[] = {
		(unsigned long)klp_twin,
		(unsigned long)klp_twin_of_hook.func,
		(unsigned long)klp_twin_of_site.func,
	};
	struct klp_symbol sym[] = {
		{ .name = "klp_twin", .pos = 3 },
		{ .name = "klp_twin", .pos = 1 },
		{ .name = "klp_twin", .pos = 4 },
		{ .name = "klp_twin", .pos = 0 },
		{ .name = "klp_twin", .pos = 2 },
	};
	unsigned int i;

	klp_twin();
	sort(twins, ARRAY_SIZE(twins), sizeof(*twins), symbol_cmp, NULL);
	KUNIT_ASSERT_EQ(test, find_locked(NULL, sym, ARRAY_SIZE(sym)), 0);

	KUNIT_EXPECT_GE(test, sym[3].count, 2);
	for (i = 0; i < ARRAY_SIZE(sym); i++) {
		unsigned long pos = sym[i].pos;
		bool good = pos >= 1 && pos <= ARRAY_SIZE(twins);

		KUNIT_EXPECT_EQ_MSG(test, klp_symbol_check(&sym[i], "kunit", "vmlinux"),
				    good ? 0 : -EINVAL, "position %lu", pos);
		if (!good)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, sym[i].addr, twins[pos - 1], "position %lu", pos);
		KUNIT_EXPECT_NOT_NULL(test, sym[i].code);
		if (sym[i].code)
			KUNIT_EXPECT_EQ(test, sym[i].code->part[0].start, twins[pos - 1]);
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* Each answer goes to its question, whatever order they are asked in. */
static void find_batch_test(struct kunit *test)
{
	struct klp_symbol sym[] = {
		{ .name = "klp_symbol_check" },
		{ .name = "klp_there_is_no_such_function" },
		{ .name = "klp_get_state" },
		{ .name = "klp_symbol_check" },
		{ .name = "klp_shadow_get" },
		{ .name = "klp_enable_patch" },
	};
	const unsigned long addr[] = {
		(unsigned long)klp_symbol_check, 0, (unsigned long)klp_get_state,
		(unsigned long)klp_symbol_check, (unsigned long)klp_shadow_get,
		(unsigned long)klp_enable_patch,
	};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, find_locked(NULL, sym, ARRAY_SIZE(sym)), 0);
	for (i = 0; i < ARRAY_SIZE(sym); i++) {
		KUNIT_EXPECT_EQ(test, sym[i].addr, addr[i]);
		KUNIT_EXPECT_EQ(test, sym[i].count, addr[i] ? 1 : 0);
		KUNIT_EXPECT_EQ(test, !!sym[i].code, !!addr[i]);
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

static struct kunit_case symbol_test_cases[] = {
	KUNIT_CASE_PARAM(symbol_check_test, check_gen_params),
	KUNIT_CASE(find_unique_test),
	KUNIT_CASE(find_missing_test),
	KUNIT_CASE(find_twins_test),
	KUNIT_CASE(find_batch_test),
	{}
};

static struct kunit_suite symbol_suite = {
	.name = "livepatch_symbol",
	.test_cases = symbol_test_cases,
};

kunit_test_suite(symbol_suite);
