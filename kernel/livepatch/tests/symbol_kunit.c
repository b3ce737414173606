// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are names taken apart, found and judged as promised (symbol.c, name.c)?
 *
 * Symbols are looked up in vmlinux, where these tests are. Those of modules are for the
 * kselftests.
 */
#include <kunit/test.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/sort.h>
#include <linux/string.h>
#include "../internal.h"
#include "symbol.h"
#include "twin.h"

/* --- klp_symbol_stem() --------------------------------------------------------------------- */

struct stem_case {
	const char *name;
	size_t stem;
};

static const struct stem_case stem_cases[] = {
	{ "f", 0 },
	{ "f.cold", 1 },
	{ "f.cold.0", 1 },
	{ "f.cold.123", 1 },
	{ "long_name.cold", 9 },
	{ "f.part.0.cold", 8 },
	{ "f.constprop.0.isra.0.cold", 20 },
	{ "f.cold.", 0 },
	{ "f.cold.x", 0 },
	{ "f.cold.1x", 0 },
	{ "f.cold.1.2", 0 },
	{ "f.colder", 0 },
	{ "f.cold0", 0 },
	{ "f.col", 0 },
	{ "fcold", 0 },
	{ "f_cold", 0 },
	{ "cold", 0 },
	{ ".cold", 0 },
	{ "", 0 },
};

KUNIT_ARRAY_PARAM_DESC(stem, stem_cases, name);

static void symbol_stem_test(struct kunit *test)
{
	const struct stem_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, klp_symbol_stem(param->name), param->stem);
}

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
	KUNIT_ASSERT_EQ(test, klp_symbols_find(NULL, sym, ARRAY_SIZE(sym)), 0);

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

	KUNIT_EXPECT_EQ(test, klp_symbols_find(NULL, sym, ARRAY_SIZE(sym)), 0);
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
	KUNIT_ASSERT_EQ(test, klp_symbols_find(NULL, sym, ARRAY_SIZE(sym)), 0);

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

	KUNIT_EXPECT_EQ(test, klp_symbols_find(NULL, sym, ARRAY_SIZE(sym)), 0);
	for (i = 0; i < ARRAY_SIZE(sym); i++) {
		KUNIT_EXPECT_EQ(test, sym[i].addr, addr[i]);
		KUNIT_EXPECT_EQ(test, sym[i].count, addr[i] ? 1 : 0);
		KUNIT_EXPECT_EQ(test, !!sym[i].code, !!addr[i]);
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* Body and cold part of a function, each as long as symbol.h made it. */
static void find_cold_test(struct kunit *test)
{
	struct klp_symbol sym = { .name = "klp_kunit_body" };
	unsigned long body = (unsigned long)klp_kunit_body;

	KUNIT_ASSERT_EQ(test, klp_symbols_find(NULL, &sym, 1), 0);
	KUNIT_EXPECT_EQ(test, sym.count, 1);
	KUNIT_EXPECT_EQ(test, sym.addr, body);
	KUNIT_EXPECT_NOT_NULL(test, sym.code);
	if (sym.code)
		KUNIT_EXPECT_EQ(test, sym.code->nr, 2);
	if (sym.code && sym.code->nr == 2) {
		KUNIT_EXPECT_EQ(test, sym.code->part[0].start, body);
		KUNIT_EXPECT_EQ(test, sym.code->part[0].end, body + KLP_KUNIT_BODY);
		KUNIT_EXPECT_EQ(test, sym.code->part[1].start, body + KLP_KUNIT_COLD);
		KUNIT_EXPECT_EQ(test, sym.code->part[1].end, body + KLP_KUNIT_END);
	}
	klp_symbols_free(&sym, 1);
}

/* Addresses outside of the livepatch module: the body is measured, 0 is passed over. */
static void measure_test(struct kunit *test)
{
	struct module *mod = kunit_kzalloc(test, sizeof(*mod), GFP_KERNEL);
	unsigned long body = (unsigned long)klp_kunit_body;
	struct klp_symbol sym[] = { {}, { .addr = body }, {} };

	KUNIT_ASSERT_NOT_NULL(test, mod);
	strscpy(mod->name, "klp_kunit_no_module");
	KUNIT_ASSERT_EQ(test, klp_symbols_measure(mod, sym, ARRAY_SIZE(sym)), 0);

	KUNIT_EXPECT_NULL(test, sym[0].code);
	KUNIT_EXPECT_NULL(test, sym[2].code);
	KUNIT_EXPECT_NOT_NULL(test, sym[1].code);
	if (sym[1].code) {
		KUNIT_EXPECT_EQ(test, sym[1].code->nr, 1);
		KUNIT_EXPECT_EQ(test, sym[1].code->part[0].start, body);
		KUNIT_EXPECT_EQ(test, sym[1].code->part[0].end, body + KLP_KUNIT_BODY);
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* --- klp_reloc_parse() --------------------------------------------------------------------- */

struct reloc_case {
	const char *name;
	/* NULL: malformed. */
	const char *obj;
	const char *sym;
	unsigned long pos;
};

static const struct reloc_case reloc_cases[] = {
	{ ".klp.sym.vmlinux.printk,0", "vmlinux", "printk", 0 },
	{ ".klp.sym.ext4.f,1", "ext4", "f", 1 },
	{ ".klp.sym.some_module.f,12", "some_module", "f", 12 },
	{ ".klp.sym.m.f.isra.0,2", "m", "f.isra.0", 2 },
	{ ".klp.sym.m.f,4294967295", "m", "f", 4294967295UL },
	{ "" },
	{ "printk" },
	{ ".klp.sym" },
	{ ".klp.sym." },
	{ "klp.sym.vmlinux.printk,0" },
	{ ".klp.rela.vmlinux.printk,0" },
	{ ".klp.sym_vmlinux.printk,0" },
	{ ".klp.sym.vmlinux" },
	{ ".klp.sym.vmlinux,0" },
	{ ".klp.sym.vmlinux." },
	{ ".klp.sym.vmlinux.printk" },
	{ ".klp.sym.vmlinux.printk," },
	{ ".klp.sym.vmlinux.,0" },
	{ ".klp.sym..printk,0" },
	{ ".klp.sym.vmlinux.printk,x" },
	{ ".klp.sym.vmlinux.printk,-1" },
	{ ".klp.sym.vmlinux.printk, 1" },
	{ ".klp.sym.vmlinux.printk,0x1" },
	{ ".klp.sym.vmlinux.printk,1x" },
	{ ".klp.sym.vmlinux.printk,1 " },
	{ ".klp.sym.vmlinux.printk,99999999999999999999" },
};

KUNIT_ARRAY_PARAM_DESC(reloc, reloc_cases, name);

static struct klp_reloc_name *reloc_name(struct kunit *test)
{
	struct klp_reloc_name *name = kunit_kmalloc(test, sizeof(*name), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, name);
	memset(name, 0xff, sizeof(*name));
	return name;
}

static void reloc_parse_test(struct kunit *test)
{
	const struct reloc_case *param = test->param_value;
	struct klp_reloc_name *name = reloc_name(test);

	KUNIT_ASSERT_EQ(test, klp_reloc_parse(param->name, name), param->obj ? 0 : -EINVAL);
	if (!param->obj)
		return;
	KUNIT_EXPECT_STREQ(test, name->obj, param->obj);
	KUNIT_EXPECT_STREQ(test, name->sym, param->sym);
	KUNIT_EXPECT_EQ(test, name->pos, param->pos);
}

/* Lengths of object and symbol, around what there is room for. */
struct reloc_length_case {
	size_t obj, sym;
	int ret;
};

static const struct reloc_length_case reloc_length_cases[] = {
	{ MODULE_NAME_LEN - 1, 1, 0 },
	{ 1, KSYM_NAME_LEN - 1, 0 },
	{ MODULE_NAME_LEN - 1, KSYM_NAME_LEN - 1, 0 },
	{ MODULE_NAME_LEN, 1, -EINVAL },
	{ MODULE_NAME_LEN + 1, 1, -EINVAL },
	{ 1, KSYM_NAME_LEN, -EINVAL },
	{ 1, KSYM_NAME_LEN + 1, -EINVAL },
	{ 5000, 1, -EINVAL },
	{ 1, 5000, -EINVAL },
};

static void reloc_length_desc(const struct reloc_length_case *param, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "object %zu, symbol %zu", param->obj, param->sym);
}

KUNIT_ARRAY_PARAM(reloc_length, reloc_length_cases, reloc_length_desc);

static void reloc_length_test(struct kunit *test)
{
	const struct reloc_length_case *param = test->param_value;
	size_t size = sizeof(".klp.sym.") + param->obj + param->sym + sizeof(".,1");
	struct klp_reloc_name *name = reloc_name(test);
	char *text = kunit_kmalloc(test, size, GFP_KERNEL), *end = text;

	KUNIT_ASSERT_NOT_NULL(test, text);
	end += scnprintf(text, size, ".klp.sym.");
	memset(end, 'm', param->obj);
	end += param->obj;
	*end++ = '.';
	memset(end, 'f', param->sym);
	strscpy(end + param->sym, ",1", 3);

	KUNIT_ASSERT_EQ(test, klp_reloc_parse(text, name), param->ret);
	if (param->ret)
		return;
	KUNIT_EXPECT_EQ(test, strlen(name->obj), param->obj);
	KUNIT_EXPECT_EQ(test, strspn(name->obj, "m"), param->obj);
	KUNIT_EXPECT_EQ(test, strlen(name->sym), param->sym);
	KUNIT_EXPECT_EQ(test, strspn(name->sym, "f"), param->sym);
	KUNIT_EXPECT_EQ(test, name->pos, 1);
}

static struct kunit_case symbol_test_cases[] = {
	KUNIT_CASE_PARAM(symbol_stem_test, stem_gen_params),
	KUNIT_CASE_PARAM(symbol_check_test, check_gen_params),
	KUNIT_CASE(find_unique_test),
	KUNIT_CASE(find_missing_test),
	KUNIT_CASE(find_twins_test),
	KUNIT_CASE(find_batch_test),
	KUNIT_CASE(find_cold_test),
	KUNIT_CASE(measure_test),
	KUNIT_CASE_PARAM(reloc_parse_test, reloc_gen_params),
	KUNIT_CASE_PARAM(reloc_length_test, reloc_length_gen_params),
	{}
};

static struct kunit_suite symbol_suite = {
	.name = "livepatch_symbol",
	.test_cases = symbol_test_cases,
};

kunit_test_suite(symbol_suite);
