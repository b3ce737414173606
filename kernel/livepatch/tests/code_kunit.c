// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the code of functions found as promised, and nothing that is for init only (code.c, cold.c,
 * symtab.c)?
 *
 * In vmlinux, where these tests are, and in a module that consists of a symbol table only.
 */
#include <kunit/test.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/string.h>
#include "../internal.h"
#include "code.h"

static int find_locked(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	guard(mutex)(&klp_mutex);
	return klp_symbols_find(mod, syms, nr);
}

static int measure_locked(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	guard(mutex)(&klp_mutex);
	return klp_symbols_measure(mod, syms, nr);
}

/* --- vmlinux --------------------------------------------------------------------------------- */

/* Code is as expected: @range has as many pieces as @code should, and is in order. */
static void expect_code(struct kunit *test, const struct klp_code *code, unsigned long base,
			const struct klp_range *range, unsigned int nr)
{
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, code);
	KUNIT_ASSERT_EQ(test, code->nr, nr);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, code->part[i].start, base + range[i].start, "part %u", i);
		KUNIT_EXPECT_EQ_MSG(test, code->part[i].end, base + range[i].end, "part %u", i);
	}
}

static const struct klp_range kunit_code[] = {
	{ 0, KLP_KUNIT_BODY },
	{ KLP_KUNIT_COLD, KLP_KUNIT_END },
	{ KLP_KUNIT_OLD, KLP_KUNIT_LAST },
};

/* Body and cold parts of a function, each as long as symbol.h made it, by whatever name. */
static void find_cold_test(struct kunit *test)
{
	struct klp_symbol sym[] = { { .name = "klp_kunit_body" }, { .name = "klp_kunit_alias" } };
	unsigned long body = (unsigned long)klp_kunit_body;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, find_locked(NULL, sym, ARRAY_SIZE(sym)), 0);
	for (i = 0; i < ARRAY_SIZE(sym); i++) {
		KUNIT_EXPECT_EQ(test, sym[i].count, 1);
		KUNIT_EXPECT_EQ(test, sym[i].addr, body);
		expect_code(test, sym[i].code, body, kunit_code, ARRAY_SIZE(kunit_code));
	}
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* Cold parts are not in the order of their functions. */
static void find_cold_order_test(struct kunit *test)
{
	const unsigned long cold = KLP_KUNIT_FRONT + KLP_KUNIT_LAST;
	const struct klp_range code[] = {
		{ 0, KLP_KUNIT_FRONT },
		{ cold, cold + KLP_KUNIT_FRONT },
	};
	struct klp_symbol sym = { .name = "klp_kunit_front" };

	KUNIT_ASSERT_EQ(test, find_locked(NULL, &sym, 1), 0);
	KUNIT_EXPECT_EQ(test, sym.addr, (unsigned long)klp_kunit_body - KLP_KUNIT_FRONT);
	expect_code(test, sym.code, sym.addr, code, ARRAY_SIZE(code));
	klp_symbols_free(&sym, 1);
}

/* Nobody calls it, or the linker would be worried. */
static int __init __used klp_kunit_early(void)
{
	return 0;
}

/* What is in init memory is not found, although kallsyms has it, and is no replacement. */
static void find_init_test(struct kunit *test)
{
	struct klp_symbol sym[] = {
		{ .name = "klp_kunit_early" },
		{ .name = "klp_kunit_early", .pos = 1 },
		{ .name = "klp_enable_patch" },
	};
	struct klp_symbol new = { .addr = kallsyms_lookup_name("klp_kunit_early") };

	KUNIT_ASSERT_NE(test, new.addr, 0);
	KUNIT_ASSERT_EQ(test, find_locked(NULL, sym, ARRAY_SIZE(sym)), 0);
	KUNIT_EXPECT_EQ(test, klp_symbol_check(&sym[0], "kunit", "vmlinux"), -EINVAL);
	KUNIT_EXPECT_EQ(test, klp_symbol_check(&sym[1], "kunit", "vmlinux"), -EINVAL);
	KUNIT_EXPECT_EQ(test, klp_symbol_check(&sym[2], "kunit", "vmlinux"), 0);
	KUNIT_EXPECT_NULL(test, sym[0].code);
	klp_symbols_free(sym, ARRAY_SIZE(sym));

	KUNIT_ASSERT_EQ(test, measure_locked(NULL, &new, 1), 0);
	KUNIT_EXPECT_NOT_NULL(test, new.code);
	if (new.code)
		KUNIT_EXPECT_EQ(test, new.code->part[0].end, 0);
	klp_symbols_free(&new, 1);
}

/* --- modules --------------------------------------------------------------------------------- */

#define FAKE_SYMBOLS	4096
#define FAKE_STRINGS	(FAKE_SYMBOLS * 16)

/* Where the memory of the module is taken to be. Nobody looks there. */
#define FAKE_TEXT	0x100000UL
#define FAKE_DATA	0x200000UL
#define FAKE_INIT	0x300000UL
#define FAKE_PERCPU	0x400000UL
#define FAKE_SIZE	0x80000UL

/* A module that is nothing but a symbol table; entry 0 is none, as always. */
struct fake {
	struct module mod;
	size_t strings;
	Elf_Sym symtab[FAKE_SYMBOLS];
	char strtab[FAKE_STRINGS];
};

static struct fake *fake_module(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	strscpy(fake->mod.name, "klp_kunit_no_module");
	fake->mod.state = MODULE_STATE_COMING;
	fake->mod.mem[MOD_TEXT].base = (void *)FAKE_TEXT;
	fake->mod.mem[MOD_TEXT].size = FAKE_SIZE;
	fake->mod.mem[MOD_DATA].base = (void *)FAKE_DATA;
	fake->mod.mem[MOD_DATA].size = FAKE_SIZE;
	fake->mod.mem[MOD_INIT_TEXT].base = (void *)FAKE_INIT;
	fake->mod.mem[MOD_INIT_TEXT].size = FAKE_SIZE;
	klp_kunit_set_percpu(&fake->mod, FAKE_PERCPU, FAKE_SIZE);
	fake->mod.core_kallsyms.symtab = fake->symtab;
	fake->mod.core_kallsyms.strtab = fake->strtab;
	fake->mod.core_kallsyms.num_symtab = 1;
	fake->strings = 1;
	return fake;
}

static void fake_symbol(struct kunit *test, struct fake *fake, const char *name,
			unsigned long addr, unsigned int section)
{
	unsigned int nr = fake->mod.core_kallsyms.num_symtab;
	size_t size = strlen(name) + 1;

	KUNIT_ASSERT_LT(test, nr, FAKE_SYMBOLS);
	KUNIT_ASSERT_LE(test, fake->strings + size, FAKE_STRINGS);
	memcpy(fake->strtab + fake->strings, name, size);
	fake->symtab[nr].st_name = fake->strings;
	fake->symtab[nr].st_value = addr;
	fake->symtab[nr].st_shndx = section;
	fake->strings += size;
	fake->mod.core_kallsyms.num_symtab++;
}

struct fake_text {
	const char *name;
	unsigned long at;
};

static struct fake *fake_with_text(struct kunit *test, const struct fake_text *text,
				   unsigned int nr)
{
	struct fake *fake = fake_module(test);
	unsigned int i;

	for (i = 0; i < nr; i++)
		fake_symbol(test, fake, text[i].name, FAKE_TEXT + text[i].at, 1);
	return fake;
}

/* The names of a function may be any of those at its address; some symbols are no names. */
static void module_cold_test(struct kunit *test)
{
	static const struct fake_text text[] = {
		{ "f.cold.3", 0x300 }, { "", 0x100 }, { "$x", 0x100 }, { "f", 0x100 },
		{ "$d.12", 0x120 }, { "g.cold", 0x200 }, { "__pfx_h", 0x140 }, { "h", 0x150 },
		{ "", 0x130 }, { "g", 0x100 }, { "ff.cold", 0x240 }, { "$x", 0x210 },
		{ "gg", 0x220 }, { ".L1", 0x160 }, { "__pfx_f", 0xf0 },
	};
	static const struct klp_range both[] = {
		{ 0x100, 0x140 }, { 0x200, 0x220 }, { 0x300, FAKE_SIZE },
	};
	static const struct klp_range only[] = { { 0x150, 0x200 } };
	struct fake *fake = fake_with_text(test, text, ARRAY_SIZE(text));
	struct klp_symbol named[] = { { .name = "g" }, { .name = "h" }, { .name = "f" } };
	struct klp_symbol placed[] = {
		{ .addr = FAKE_TEXT + 0x150 }, { .addr = FAKE_TEXT + 0x100 }, {},
		{ .addr = FAKE_TEXT + 0x100 },
	};

	KUNIT_ASSERT_EQ(test, find_locked(&fake->mod, named, ARRAY_SIZE(named)), 0);
	expect_code(test, named[0].code, FAKE_TEXT, both, ARRAY_SIZE(both));
	expect_code(test, named[1].code, FAKE_TEXT, only, ARRAY_SIZE(only));
	expect_code(test, named[2].code, FAKE_TEXT, both, ARRAY_SIZE(both));
	klp_symbols_free(named, ARRAY_SIZE(named));

	KUNIT_ASSERT_EQ(test, measure_locked(&fake->mod, placed, ARRAY_SIZE(placed)), 0);
	expect_code(test, placed[0].code, FAKE_TEXT, only, ARRAY_SIZE(only));
	expect_code(test, placed[1].code, FAKE_TEXT, both, ARRAY_SIZE(both));
	KUNIT_EXPECT_NULL(test, placed[2].code);
	expect_code(test, placed[3].code, FAKE_TEXT, both, ARRAY_SIZE(both));
	klp_symbols_free(placed, ARRAY_SIZE(placed));
}

/* Whose cold part it is cannot be told when there are several functions of the name. */
static void module_twins_test(struct kunit *test)
{
	static const struct fake_text text[] = {
		{ "s", 0 }, { "s", 0x100 }, { "s.cold", 0x200 }, { "end", 0x210 },
	};
	static const struct klp_range first[] = { { 0, 0x100 }, { 0x200, 0x210 } };
	static const struct klp_range second[] = { { 0x100, 0x200 }, { 0x200, 0x210 } };
	struct fake *fake = fake_with_text(test, text, ARRAY_SIZE(text));
	struct klp_symbol sym[] = { { .name = "s", .pos = 2 }, { .name = "s", .pos = 1 } };

	KUNIT_ASSERT_EQ(test, find_locked(&fake->mod, sym, ARRAY_SIZE(sym)), 0);
	expect_code(test, sym[0].code, FAKE_TEXT, second, ARRAY_SIZE(second));
	expect_code(test, sym[1].code, FAKE_TEXT, first, ARRAY_SIZE(first));
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

/* A cold part may be in question itself: where it ends does not depend on that or on the order. */
static void module_cold_asked_test(struct kunit *test)
{
	static const struct fake_text text[] = {
		{ "f", 0 }, { "g", 0x100 }, { "f.cold", 0x200 }, { "g.cold", 0x240 },
		{ "g.cold.1", 0x280 }, { "end", 0x2c0 },
	};
	static const struct klp_range f[] = { { 0, 0x100 }, { 0x200, 0x240 } };
	static const struct klp_range g[] = {
		{ 0x100, 0x200 }, { 0x240, 0x280 }, { 0x280, 0x2c0 },
	};
	static const struct {
		const char *name;
		const struct klp_range *code;
		unsigned int nr;
	} asked[] = {
		{ "f", f, 2 }, { "g", g, 3 }, { "f.cold", &f[1], 1 }, { "g.cold", &g[1], 1 },
		{ "g.cold.1", &g[2], 1 },
	};
	struct fake *fake = fake_with_text(test, text, ARRAY_SIZE(text));
	struct klp_symbol sym[ARRAY_SIZE(asked)];
	unsigned int i, at, first;

	for (first = 0; first < ARRAY_SIZE(asked); first++) {
		memset(sym, 0, sizeof(sym));
		for (i = 0; i < ARRAY_SIZE(asked); i++)
			sym[i].name = asked[(first + i) % ARRAY_SIZE(asked)].name;
		KUNIT_ASSERT_EQ(test, find_locked(&fake->mod, sym, ARRAY_SIZE(sym)), 0);
		for (i = 0; i < ARRAY_SIZE(asked); i++) {
			at = (first + i) % ARRAY_SIZE(asked);
			expect_code(test, sym[i].code, FAKE_TEXT, asked[at].code, asked[at].nr);
		}
		klp_symbols_free(sym, ARRAY_SIZE(sym));
	}
}

/* Many functions at once, each of which has two names and a cold part called after the second. */
static void module_batch_test(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct klp_symbol *sym = kunit_kcalloc(test, nr, sizeof(*sym), GFP_KERNEL);
	struct fake *fake = fake_module(test);
	unsigned int i;
	char name[16];

	KUNIT_ASSERT_NOT_NULL(test, sym);
	for (i = 0; i < nr; i++) {
		unsigned long body = FAKE_TEXT + 0x100 * ((i * 7) % nr);

		sprintf(name, "a%u", i);
		fake_symbol(test, fake, name, body, 1);
		sprintf(name, "b%u.cold", i);
		fake_symbol(test, fake, name, body + 0x80, 1);
		sprintf(name, "b%u", i);
		fake_symbol(test, fake, name, body, 1);
		sym[i].addr = body;
	}
	fake_symbol(test, fake, "end", FAKE_TEXT + 0x100 * nr, 1);

	KUNIT_ASSERT_EQ(test, measure_locked(&fake->mod, sym, nr), 0);
	for (i = 0; i < nr; i++) {
		static const struct klp_range code[] = { { 0, 0x80 }, { 0x80, 0x100 } };

		expect_code(test, sym[i].code, sym[i].addr, code, ARRAY_SIZE(code));
	}
	klp_symbols_free(sym, nr);
}

/* In the table of a livepatch module, everything stays that was in the file. */
static void module_livepatch_test(struct kunit *test)
{
	struct fake *fake = fake_module(test);
	struct klp_symbol sym[] = {
		{ .name = "twin", .pos = 2 }, { .name = "twin", .pos = 1 }, { .name = "early" },
		{ .name = "absolute" }, { .name = "foreign" }, { .name = "undefined" },
		{ .name = "data" }, { .name = "cpu" }, { .name = "" },
	};
	const unsigned long addr[] = {
		0, FAKE_TEXT, 0, 0, 0, 0, FAKE_DATA,
		IS_ENABLED(CONFIG_SMP) ? FAKE_PERCPU : 0, 0,
	};
	unsigned int i;

	fake->mod.klp = true;
	fake_symbol(test, fake, "", FAKE_TEXT, 1);
	fake_symbol(test, fake, "early", FAKE_INIT, 2);
	fake_symbol(test, fake, "twin", FAKE_INIT + 16, 2);
	fake_symbol(test, fake, "twin", FAKE_TEXT, 1);
	fake_symbol(test, fake, "absolute", FAKE_TEXT + 16, SHN_ABS);
	fake_symbol(test, fake, "foreign", FAKE_TEXT + 16, SHN_LIVEPATCH);
	fake_symbol(test, fake, "undefined", FAKE_TEXT + 16, SHN_UNDEF);
	fake_symbol(test, fake, "data", FAKE_DATA, 3);
	fake_symbol(test, fake, "cpu", FAKE_PERCPU, 4);

	KUNIT_ASSERT_EQ(test, klp_symbols_locate(&fake->mod, sym, ARRAY_SIZE(sym)), 0);
	for (i = 0; i < ARRAY_SIZE(sym); i++) {
		KUNIT_EXPECT_EQ_MSG(test, sym[i].addr, addr[i], "'%s'", sym[i].name);
		KUNIT_EXPECT_EQ_MSG(test, klp_symbol_check(&sym[i], "kunit", "klp_kunit_no_module"),
				    addr[i] ? 0 : -EINVAL, "'%s'", sym[i].name);
	}
}

/* Addresses outside: vmlinux knows, 0 is passed over, init memory has no functions. */
static void measure_test(struct kunit *test)
{
	struct fake *fake = fake_module(test);
	unsigned long body = (unsigned long)klp_kunit_body;
	struct klp_symbol sym[] = { {}, { .addr = body }, {}, { .addr = FAKE_INIT } };

	KUNIT_ASSERT_EQ(test, measure_locked(&fake->mod, sym, ARRAY_SIZE(sym)), 0);

	KUNIT_EXPECT_NULL(test, sym[0].code);
	expect_code(test, sym[1].code, body, kunit_code, ARRAY_SIZE(kunit_code));
	KUNIT_EXPECT_NULL(test, sym[2].code);
	KUNIT_EXPECT_NOT_NULL(test, sym[3].code);
	if (sym[3].code)
		KUNIT_EXPECT_EQ(test, sym[3].code->part[0].end, 0);
	klp_symbols_free(sym, ARRAY_SIZE(sym));
}

static struct kunit_case code_test_cases[] = {
	KUNIT_CASE(find_cold_test),
	KUNIT_CASE(find_cold_order_test),
	KUNIT_CASE(find_init_test),
	KUNIT_CASE(module_cold_test),
	KUNIT_CASE(module_cold_asked_test),
	KUNIT_CASE(module_twins_test),
	KUNIT_CASE(module_batch_test),
	KUNIT_CASE(module_livepatch_test),
	KUNIT_CASE(measure_test),
	{}
};

static struct kunit_suite code_suite = {
	.name = "livepatch_code",
	.test_cases = code_test_cases,
};

kunit_test_suite(code_suite);
