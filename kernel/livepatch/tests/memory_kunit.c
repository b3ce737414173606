// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What may a patch point to (memory.c)? A module that is made up has a page of each kind of memory.
 */
#include <kunit/test.h>
#include <linux/elf.h>
#include <linux/kallsyms.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../internal.h"

/* Somewhere in a page. */
#define MEMORY_OFFSET	64

#define MEMORY_SYMS	5

struct memory_fixture {
	struct module mod;
	struct klp_patch patch;
	Elf_Sym syms[MEMORY_SYMS];
	char *page[MOD_MEM_NUM_TYPES];
};

static int memory_init(struct kunit *test)
{
	struct memory_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	if (!fix)
		return -ENOMEM;
	test->priv = fix;

	for_each_mod_mem_type(type) {
		fix->page[type] = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
		if (!fix->page[type])
			return -ENOMEM;
		fix->mod.mem[type].base = fix->page[type];
		fix->mod.mem[type].size = PAGE_SIZE;
	}
	strscpy(fix->mod.name, "kunit_memory");
	fix->mod.core_kallsyms.symtab = fix->syms;
	fix->mod.core_kallsyms.num_symtab = MEMORY_SYMS;
	fix->patch.mod = &fix->mod;
	return 0;
}

static void memory_data_test(struct kunit *test)
{
	static const int allowed[MOD_MEM_NUM_TYPES][2] = {
		/* read, written */
		[MOD_TEXT]		= { 0, -EINVAL },
		[MOD_DATA]		= { 0, 0 },
		[MOD_RODATA]		= { 0, -EINVAL },
		[MOD_RO_AFTER_INIT]	= { 0, -EINVAL },
		[MOD_INIT_TEXT]		= { -EINVAL, -EINVAL },
		[MOD_INIT_DATA]		= { -EINVAL, -EINVAL },
		[MOD_INIT_RODATA]	= { -EINVAL, -EINVAL },
	};
	struct memory_fixture *fix = test->priv;

	for_each_mod_mem_type(type) {
		const void *ptr = fix->page[type] + MEMORY_OFFSET;

		KUNIT_EXPECT_EQ_MSG(test, klp_memory_check_data(&fix->patch, ptr, KLP_READ, "data"),
				    allowed[type][0], "read, kind %d", type);
		KUNIT_EXPECT_EQ_MSG(test,
				    klp_memory_check_data(&fix->patch, ptr, KLP_WRITTEN, "data"),
				    allowed[type][1], "written, kind %d", type);
	}
}

/* What is in no module. */
static void memory_kernel_test(struct kunit *test)
{
	static const char constant[] = "constant";
	static int variable;
	struct memory_fixture *fix = test->priv;
	const struct klp_patch *patch = &fix->patch;
	char local = 0;

	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, NULL, KLP_WRITTEN, "nothing"), 0);
	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, fix, KLP_WRITTEN, "allocated"), 0);
	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, &variable, KLP_WRITTEN, "data"), 0);
	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, constant, KLP_READ, "constant"), 0);
	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, constant, KLP_WRITTEN, "constant"),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, &local, KLP_READ, "local"), -EINVAL);
	KUNIT_EXPECT_EQ(test, klp_memory_check_data(patch, &local, KLP_WRITTEN, "local"), -EINVAL);
}

static void memory_code_test(struct kunit *test)
{
	struct memory_fixture *fix = test->priv;
	const struct klp_patch *patch = &fix->patch;
	const void *init = (void *)kallsyms_lookup_name("start_kernel");

	for_each_mod_mem_type(type) {
		const void *ptr = fix->page[type] + MEMORY_OFFSET;

		KUNIT_EXPECT_EQ_MSG(test, klp_memory_check_code(patch, ptr, "code"),
				    type == MOD_TEXT ? 0 : -EINVAL, "kind %d", type);
	}
	KUNIT_EXPECT_EQ(test, klp_memory_check_code(patch, NULL, "nothing"), 0);
	KUNIT_EXPECT_EQ(test, klp_memory_check_code(patch, schedule, "the kernel's"), 0);
	KUNIT_EXPECT_NOT_NULL(test, init);
	KUNIT_EXPECT_EQ(test, klp_memory_check_code(patch, init, "init code"), -EINVAL);
	KUNIT_EXPECT_EQ(test, klp_memory_check_code(patch, fix, "allocated"), -EINVAL);
}

static void memory_set_sym(struct memory_fixture *fix, unsigned int i, unsigned long addr,
			   unsigned long size, unsigned char kind)
{
	fix->syms[i].st_value = addr;
	fix->syms[i].st_size = size;
	fix->syms[i].st_shndx = 1;
	fix->syms[i].st_info = kind;
}

static int memory_check_end(struct memory_fixture *fix, const void *array)
{
	const struct klp_shape shape = { .stride = 4 * sizeof(int), .head = 2 * sizeof(int) };

	return klp_memory_check_end(&fix->patch, array, shape, "array");
}

static void memory_end_test(struct kunit *test)
{
	struct memory_fixture *fix = test->priv;
	int *array = (int *)fix->page[MOD_DATA] + MEMORY_OFFSET;
	unsigned long addr = (unsigned long)array;
	const unsigned long stride = 4 * sizeof(int);
	unsigned int i;

	/* Three entries, of which the last one is empty but for what does not count. */
	for (i = 0; i < 16; i++)
		array[i] = 1;
	array[8] = 0;
	array[9] = 0;
	/* Something else around it, and a function. */
	memory_set_sym(fix, 1, addr - 8, 8, STT_OBJECT);
	memory_set_sym(fix, 2, addr, 4, STT_FUNC);
	KUNIT_EXPECT_EQ(test, memory_check_end(fix, NULL), 0);
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), 0, "without a symbol");

	memory_set_sym(fix, 3, addr, 3 * stride, STT_OBJECT);
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), 0, "all of it");
	fix->syms[3].st_size = 3 * stride - 1;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), -EINVAL, "a byte short");
	fix->syms[3].st_size = 2 * stride;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), -EINVAL, "an entry short");
	fix->syms[3].st_size = 1;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), -EINVAL, "smaller than an entry");
	fix->syms[3].st_size = 0;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), -EINVAL, "no size at all");

	/* An array within a larger object, which has another name, too. */
	memory_set_sym(fix, 4, addr - stride, 4 * stride, STT_OBJECT);
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), 0, "the larger one counts");
	fix->syms[4].st_size = 3 * stride;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), -EINVAL, "too small as well");
}

/* Nothing tells how long it is: but it cannot be longer than the memory of its module. */
static void memory_last_test(struct kunit *test)
{
	struct memory_fixture *fix = test->priv;
	int *array = (int *)(fix->page[MOD_DATA] + PAGE_SIZE - MEMORY_OFFSET);
	unsigned int i;

	for (i = 0; i < MEMORY_OFFSET / sizeof(*array); i++)
		array[i] = 1;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), -EINVAL, "all of it is full");
	array[MEMORY_OFFSET / sizeof(*array) - 4] = 0;
	array[MEMORY_OFFSET / sizeof(*array) - 3] = 0;
	KUNIT_EXPECT_EQ_MSG(test, memory_check_end(fix, array), 0, "the last entry is empty");
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(memory_data_test),
	KUNIT_CASE(memory_kernel_test),
	KUNIT_CASE(memory_code_test),
	KUNIT_CASE(memory_end_test),
	KUNIT_CASE(memory_last_test),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "livepatch_memory",
	.init = memory_init,
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
