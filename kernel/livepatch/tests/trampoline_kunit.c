// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the trampoline (trampoline_x86_64.S) find the site and go where it says?
 *
 * It is called as from ftrace locations, by trampoline_call(), which puts an address of our choice
 * on the stack for the one behind the location. There are many of them, so that searches can be
 * made to meet.
 */
#include <kunit/test.h>
#include <linux/ftrace.h>
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/stringify.h>
#include "../internal.h"
#include "index.h"
#include "preempt.h"

/* As many originals and replacements, each of this size. */
#define SPOTS		320
#define SPOT_SIZE	16

/* Original number i returns i, its replacement in world w this many more. */
#define IN_WORLD(w)	(1000 * ((w) + 2))

/* Functions one behind the other, number i of which returns i + @base. */
#define MAKE_SPOTS(name, base)						\
	asm(".pushsection .text\n"					\
	    ".balign " __stringify(SPOT_SIZE) "\n"			\
	    ".type " name ", @function\n"				\
	    name ":\n"							\
	    "spot = " __stringify(base) "\n"				\
	    ".rept " __stringify(SPOTS) "\n"				\
	    ANNOTATE_NOENDBR "\n"					\
	    "movl $spot, %eax\n"					\
	    ASM_RET "\n"						\
	    ".balign " __stringify(SPOT_SIZE) ", 0xcc\n"		\
	    "spot = spot + 1\n"						\
	    ".endr\n"							\
	    ".size " name ", . - " name "\n"				\
	    ".popsection\n")

asmlinkage int trampoline_originals(void);
asmlinkage int trampoline_idle(void);
asmlinkage int trampoline_world0(void);
asmlinkage int trampoline_world1(void);
MAKE_SPOTS("trampoline_originals", 0);
MAKE_SPOTS("trampoline_idle", 1000);
MAKE_SPOTS("trampoline_world0", 2000);
MAKE_SPOTS("trampoline_world1", 3000);
STACK_FRAME_NON_STANDARD(trampoline_originals);
STACK_FRAME_NON_STANDARD(trampoline_idle);
STACK_FRAME_NON_STANDARD(trampoline_world0);
STACK_FRAME_NON_STANDARD(trampoline_world1);

/* The address behind the ftrace location; tests run one at a time. */
static unsigned long trampoline_key __used;

asmlinkage long trampoline_call(long a, long b, long c, long d, long e, long f, long g);
asm(".pushsection .text\n"
	".type trampoline_call, @function\n"
	"trampoline_call:\n"
	"pushq trampoline_key(%rip)\n"
	"jmp klp_trampoline\n"
	".size trampoline_call, . - trampoline_call\n"
	".popsection\n");
STACK_FRAME_NON_STANDARD(trampoline_call);

static void *spot(int (*first)(void), unsigned int i)
{
	return (void *)first + i * SPOT_SIZE;
}

static unsigned long spot_key(unsigned int i)
{
	return (unsigned long)spot(trampoline_originals, i);
}

static unsigned long spot_ip(unsigned int i)
{
	return spot_key(i) - MCOUNT_INSN_SIZE;
}

/* What comes of a call at spot @i, by a task in world @world. */
static int trampoline_go(struct kunit *test, unsigned int i, int world)
{
	int count = preempt_count();
	int ret;

	trampoline_key = spot_key(i);
	scoped_guard(mutex, &klp_mutex) {
		/* Nobody is in transition, and nobody looks at this task until it is -1 again. */
		WRITE_ONCE(current->patch_state, world);
		ret = trampoline_call(1, 2, 3, 4, 5, 6, 7);
		WRITE_ONCE(current->patch_state, KLP_TRANSITION_IDLE);
	}
	KUNIT_EXPECT_EQ(test, preempt_count(), count);
	return ret;
}

/* A site at spot @i that leads somewhere else in each world. */
static struct klp_site *trampoline_add(struct kunit *test, unsigned int i)
{
	struct klp_site *site = kunit_kzalloc(test, sizeof(*site), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, site);
	site->ip = spot_ip(i);
	site->idle = spot(trampoline_idle, i);
	site->dest[0] = spot(trampoline_world0, i);
	site->dest[1] = spot(trampoline_world1, i);
	KUNIT_ASSERT_EQ(test, index_put(site), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, index_remove, site), 0);
	return site;
}

static void trampoline_expect_all(struct kunit *test, unsigned int i, int extra)
{
	int world;

	for (world = -1; world <= 1; world++)
		KUNIT_EXPECT_EQ(test, trampoline_go(test, i, world),
				i + extra * IN_WORLD(world));
}

/* Calls at all spots, some of which have a site. */
static void trampoline_worlds_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < SPOTS; i += 3)
		trampoline_add(test, i);
	for (i = 0; i < SPOTS; i++)
		trampoline_expect_all(test, i, i % 3 == 0);
}

/* Nothing is written over where the original is to be called. */
static void trampoline_original_test(struct kunit *test)
{
	struct klp_site *site = trampoline_add(test, 7);

	site->dest[1] = NULL;
	KUNIT_EXPECT_EQ(test, trampoline_go(test, 7, -1), 7 + IN_WORLD(-1));
	KUNIT_EXPECT_EQ(test, trampoline_go(test, 7, 0), 7 + IN_WORLD(0));
	KUNIT_EXPECT_EQ(test, trampoline_go(test, 7, 1), 7);
	site->dest[0] = NULL;
	KUNIT_EXPECT_EQ(test, trampoline_go(test, 7, 0), 7);
}

/* Searches that begin at the same slot, and one that has gone in the middle. */
static void trampoline_collision_test(struct kunit *test)
{
	struct klp_site *site[6];
	const struct klp_index *index;
	struct klp_slot *home;
	unsigned int i, n = 0;
	unsigned int at[8];

	if (klp_index->live)
		kunit_skip(test, "something is patched");
	KUNIT_ASSERT_EQ(test, index_reserve(ARRAY_SIZE(site)), 0);
	index = klp_index;
	home = klp_index_home(klp_index, spot_key(3));
	for (i = 3; i < SPOTS && n < ARRAY_SIZE(at); i++) {
		if (klp_index_home(klp_index, spot_key(i)) == home)
			at[n++] = i;
	}
	KUNIT_ASSERT_EQ(test, n, ARRAY_SIZE(at));

	for (i = 0; i < ARRAY_SIZE(site); i++)
		site[i] = trampoline_add(test, at[i]);
	KUNIT_ASSERT_PTR_EQ(test, klp_index, index);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		trampoline_expect_all(test, at[i], i < ARRAY_SIZE(site));

	/* Keys behind it are found; it is not; another one comes to stand behind them. */
	index_remove(site[2]);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		trampoline_expect_all(test, at[i], i < ARRAY_SIZE(site) && i != 2);
	trampoline_add(test, at[6]);
	for (i = 0; i < ARRAY_SIZE(at); i++)
		trampoline_expect_all(test, at[i], i <= 6 && i != 2);
}

static long trampoline_args(long a, long b, long c, long d, long e, long f, long g)
{
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f + 1000000 * g;
}

static void trampoline_args_test(struct kunit *test)
{
	struct klp_site *site = trampoline_add(test, 5);

	site->idle = trampoline_args;
	trampoline_key = spot_key(5);
	KUNIT_EXPECT_EQ(test, trampoline_call(1, 2, 3, 4, 5, 6, 7), 7654321);
}

static void trampoline_call_idle(void *unused)
{
	trampoline_call(1, 2, 3, 4, 5, 6, 7);
}

/* At a site, at one that leads to the original, and where there is none. */
static void trampoline_preempt_test(struct kunit *test)
{
	struct klp_site *site = trampoline_add(test, 6);

	trampoline_key = spot_key(6);
	preempt_expect_look(test, trampoline_call_idle, NULL);
	site->idle = NULL;
	preempt_expect_look(test, trampoline_call_idle, NULL);
	trampoline_key = spot_key(8);
	preempt_expect_look(test, trampoline_call_idle, NULL);
}

static void trampoline_count_test(struct kunit *test)
{
	struct klp_site *site = trampoline_add(test, 9);
	unsigned long calls[2] = { };
	struct klp_hits *hits;
	unsigned int cpu, i;

	if (klp_hook_next(NULL))
		kunit_skip(test, "something is patched, and has no counters");
	site->hits = alloc_percpu(struct klp_hits);
	KUNIT_ASSERT_TRUE(test, site->hits);
	static_branch_enable(&klp_index_counts);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, trampoline_go(test, 9, 0), 9 + IN_WORLD(0));
	site->dest[0] = NULL;
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, trampoline_go(test, 9, 0), 9);
	static_branch_disable(&klp_index_counts);
	KUNIT_EXPECT_EQ(test, trampoline_go(test, 9, 0), 9);

	for_each_possible_cpu(cpu) {
		hits = per_cpu_ptr(site->hits, cpu);
		calls[0] += hits->calls[0];
		calls[1] += hits->calls[1];
	}
	index_remove(site);
	free_percpu(site->hits);
	KUNIT_EXPECT_EQ(test, calls[0], 3);
	KUNIT_EXPECT_EQ(test, calls[1], 5);
}

static struct kunit_case trampoline_test_cases[] = {
	KUNIT_CASE(trampoline_worlds_test),
	KUNIT_CASE(trampoline_original_test),
	KUNIT_CASE(trampoline_collision_test),
	KUNIT_CASE(trampoline_args_test),
	KUNIT_CASE(trampoline_preempt_test),
	KUNIT_CASE(trampoline_count_test),
	{}
};

static struct kunit_suite trampoline_suite = {
	.name = "livepatch_trampoline",
	.test_cases = trampoline_test_cases,
};

kunit_test_suite(trampoline_suite);
