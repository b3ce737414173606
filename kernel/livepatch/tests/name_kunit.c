// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are names taken apart as promised (name.c)?
 */
#include <kunit/test.h>
#include <linux/string.h>
#include "../internal.h"

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
	{ ".klp.sym.m.f,g,3", "m", "f,g", 3 },
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
	{ ".klp.sym.vmlinux.printk,+1" },
	{ ".klp.sym.vmlinux.printk, 1" },
	{ ".klp.sym.vmlinux.printk,0x1" },
	{ ".klp.sym.vmlinux.printk,1x" },
	{ ".klp.sym.vmlinux.printk,1 " },
	{ ".klp.sym.vmlinux.printk,99999999999999999999" },
};

KUNIT_ARRAY_PARAM_DESC(reloc, reloc_cases, name);

static void reloc_parse_test(struct kunit *test)
{
	const struct reloc_case *param = test->param_value;
	char *text = kunit_kstrdup(test, param->name, GFP_KERNEL);
	struct klp_reloc_name name;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_EQ(test, klp_reloc_parse(text, &name), param->obj ? 0 : -EINVAL);
	if (!param->obj)
		return;
	KUNIT_EXPECT_STREQ(test, name.obj, param->obj);
	KUNIT_EXPECT_STREQ(test, name.sym, param->sym);
	KUNIT_EXPECT_EQ(test, name.pos, param->pos);
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
	char *text = kunit_kmalloc(test, size, GFP_KERNEL), *end = text;
	struct klp_reloc_name name;

	KUNIT_ASSERT_NOT_NULL(test, text);
	end += scnprintf(text, size, ".klp.sym.");
	memset(end, 'm', param->obj);
	end += param->obj;
	*end++ = '.';
	memset(end, 'f', param->sym);
	strscpy(end + param->sym, ",1", 3);

	KUNIT_ASSERT_EQ(test, klp_reloc_parse(text, &name), param->ret);
	if (param->ret)
		return;
	KUNIT_EXPECT_EQ(test, strlen(name.obj), param->obj);
	KUNIT_EXPECT_EQ(test, strspn(name.obj, "m"), param->obj);
	KUNIT_EXPECT_EQ(test, strlen(name.sym), param->sym);
	KUNIT_EXPECT_EQ(test, strspn(name.sym, "f"), param->sym);
	KUNIT_EXPECT_EQ(test, name.pos, 1);
}

static struct kunit_case name_test_cases[] = {
	KUNIT_CASE_PARAM(symbol_stem_test, stem_gen_params),
	KUNIT_CASE_PARAM(reloc_parse_test, reloc_gen_params),
	KUNIT_CASE_PARAM(reloc_length_test, reloc_length_gen_params),
	{}
};

static struct kunit_suite name_suite = {
	.name = "livepatch_name",
	.test_cases = name_test_cases,
};

kunit_test_suite(name_suite);
