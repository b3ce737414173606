// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are the instructions at a function's entry read right (place_x86_64.c), and is it noticed when
 * ftrace takes a function and does not divert it (klp_hook_holds(), hook.c)?
 */
#include <kunit/test.h>
#include <linux/compiler.h>
#include <linux/kallsyms.h>
#include <linux/memory.h>
#include <asm/nops.h>
#include <asm/text-patching.h>
#include "../compat.h"
#include "../internal.h"

/* --- klp_place_endbr() --------------------------------------------------------------------- */

struct endbr_case {
	const char *name;
	u8 code[4];
	bool is;
};

static const struct endbr_case endbr_cases[] = {
	{ "endbr64", { 0xf3, 0x0f, 0x1e, 0xfa }, true },
	{ "endbr64 that was sealed", { 0x66, 0x0f, 0x1f, 0x00 }, true },
	{ "sealed, on Linux 7.3", { 0x0f, 0x1f, 0x40, 0xd6 }, true },
	{ "endbr32", { 0xf3, 0x0f, 0x1e, 0xfb }, false },
	{ "nop of 4 bytes", { 0x0f, 0x1f, 0x40, 0x00 }, false },
	{ "four nops", { 0x90, 0x90, 0x90, 0x90 }, false },
	{ "xor eax, ret", { 0x31, 0xc0, 0xc3, 0xcc }, false },
	{ "breakpoints", { 0xcc, 0xcc, 0xcc, 0xcc }, false },
	{ "zeros", { 0, 0, 0, 0 }, false },
};

KUNIT_ARRAY_PARAM_DESC(endbr, endbr_cases, name);

static void place_endbr_test(struct kunit *test)
{
	const struct endbr_case *param = test->param_value;
	u32 insn;

	memcpy(&insn, param->code, sizeof(insn));
	KUNIT_EXPECT_EQ(test, klp_place_endbr(insn), param->is);
}

/* --- klp_place_fits() ---------------------------------------------------------------------- */

/* In code that begins with each of them, at each distance. */
static void place_fits_test(struct kunit *test)
{
	const struct endbr_case *param = test->param_value;
	unsigned long start = (unsigned long)param->code, i;

	for (i = 0; i <= 16; i++)
		KUNIT_EXPECT_EQ(test, klp_place_fits(start, start + i),
				!i || (i == 4 && param->is));
}

/* --- klp_place_callee() -------------------------------------------------------------------- */

#define CALLEE_IP	0xffffffff81000000UL

struct callee_case {
	const char *name;
	u8 code[5];
	unsigned long callee;
};

static const struct callee_case callee_cases[] = {
	{ "call forwards", { 0xe8, 0x10, 0, 0, 0 }, CALLEE_IP + 0x15 },
	{ "call backwards", { 0xe8, 0xfb, 0xff, 0xff, 0xff }, CALLEE_IP },
	{ "call far backwards", { 0xe8, 0, 0, 0, 0x80 }, CALLEE_IP + 5 - 0x80000000UL },
	{ "nop", { 0x0f, 0x1f, 0x44, 0, 0 }, 0 },
	{ "jump", { 0xe9, 0x10, 0, 0, 0 }, 0 },
	{ "breakpoint", { 0xcc, 0x10, 0, 0, 0 }, 0 },
};

KUNIT_ARRAY_PARAM_DESC(callee, callee_cases, name);

static void place_callee_test(struct kunit *test)
{
	const struct callee_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, klp_place_callee(CALLEE_IP, param->code), param->callee);
}

/* --- klp_place_find(), all of vmlinux ------------------------------------------------------- */

/**
 * struct vmlinux_walk - state of a walk over the symbols, in the order of addresses
 * @start: the symbol before, which reaches to the next one; 0 in the beginning
 * @found: functions with a place
 * @wrong: of them or of others, those that klp_place_find() is wrong about
 */
struct vmlinux_walk {
	unsigned long start;
	unsigned int found, wrong;
};

static int vmlinux_symbol(void *data, const char *name, unsigned long addr)
{
	struct vmlinux_walk *walk = data;
	struct klp_range body = { .start = walk->start, .end = addr };
	unsigned long ip = 0, at;

	walk->start = addr;
	if (!body.start || body.start == body.end)
		return 0;

	/* Where the compiler puts it: this is what ftrace takes for the entry, too. */
	for (at = body.start; at <= body.start + 4 && at < body.end && !ip; at += 4)
		ip = ftrace_location_range(at, at) == at ? at : 0;
	walk->found += !!ip;
	walk->wrong += klp_place_find(&body) != ip;
	return 0;
}

static void place_vmlinux_test(struct kunit *test)
{
	struct vmlinux_walk walk = {};

	kallsyms_on_each_symbol(vmlinux_symbol, &walk);
	kunit_info(test, "%u functions with a place\n", walk.found);
	KUNIT_EXPECT_GT(test, walk.found, 10000);
	KUNIT_EXPECT_EQ(test, walk.wrong, 0);
}

/* --- klp_hook_holds() ---------------------------------------------------------------------- */

static noinline int place_hooked(int arg)
{
	OPTIMIZER_HIDE_VAR(arg);
	return arg;
}

/* Write over the place of place_hooked(), which nobody calls meanwhile. */
static void hook_poke(unsigned long ip, const void *insn)
{
	guard(mutex)(&text_mutex);
	smp_text_poke_single((void *)ip, insn, MCOUNT_INSN_SIZE, NULL);
}

/* A registered batch with one site: with code that calls ftrace, with a nop, with another call. */
static void hook_look(struct kunit *test, const struct klp_site *site)
{
	u8 call[MCOUNT_INSN_SIZE], other[MCOUNT_INSN_SIZE];

	KUNIT_EXPECT_TRUE(test, klp_hook_holds(site));
	memcpy(call, (void *)site->ip, sizeof(call));

	hook_poke(site->ip, x86_nops[MCOUNT_INSN_SIZE]);
	KUNIT_EXPECT_FALSE(test, klp_hook_holds(site));

	__text_gen_insn(other, CALL_INSN_OPCODE, (void *)site->ip, place_hooked, sizeof(other));
	hook_poke(site->ip, other);
	KUNIT_EXPECT_FALSE(test, klp_hook_holds(site));

	hook_poke(site->ip, call);
	KUNIT_EXPECT_TRUE(test, klp_hook_holds(site));
}

/* A place within reach, with something in front of it that no compiler puts there. */
static void place_find_test(struct kunit *test)
{
	unsigned long ip = ftrace_location((unsigned long)place_hooked), start;

	KUNIT_ASSERT_NE(test, ip, 0);
	for (start = ip - KLP_PLACE_REACH; start < ip; start++) {
		struct klp_range body = { .start = start, .end = ip + MCOUNT_INSN_SIZE };

		KUNIT_ASSERT_EQ(test, ftrace_location_range(body.start, ip), ip);
		KUNIT_EXPECT_EQ(test, klp_place_find(&body), klp_place_fits(start, ip) ? ip : 0);
	}
}

static void hook_holds_test(struct kunit *test)
{
	unsigned long ip = ftrace_location((unsigned long)place_hooked), culprit;
	struct klp_site *site;
	struct klp_hook *hook;

	KUNIT_ASSERT_NE(test, ip, 0);

	scoped_guard(mutex, &klp_mutex) {
		hook = klp_hook_alloc(1);
		site = hook ? klp_hook_insert(hook, ip) : NULL;
		KUNIT_EXPECT_NOT_NULL(test, site);
		if (site)
			KUNIT_EXPECT_FALSE(test, klp_hook_holds(site));
		if (site && !klp_hook_register(hook, &culprit)) {
			hook_look(test, site);
			klp_hook_sweep();
		} else {
			KUNIT_FAIL(test, "not registered");
			if (hook)
				klp_hook_discard(hook);
		}
		KUNIT_EXPECT_NULL(test, klp_index_find(ip));
	}
	KUNIT_EXPECT_EQ(test, place_hooked(3), 3);
}

static struct kunit_case place_x86_64_test_cases[] = {
	KUNIT_CASE_PARAM(place_endbr_test, endbr_gen_params),
	KUNIT_CASE_PARAM(place_fits_test, endbr_gen_params),
	KUNIT_CASE_PARAM(place_callee_test, callee_gen_params),
	KUNIT_CASE(place_vmlinux_test),
	KUNIT_CASE(place_find_test),
	KUNIT_CASE(hook_holds_test),
	{}
};

static struct kunit_suite place_x86_64_suite = {
	.name = "livepatch_place_x86_64",
	.test_cases = place_x86_64_test_cases,
};

kunit_test_suite(place_x86_64_suite);
