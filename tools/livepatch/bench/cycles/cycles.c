// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many cycles of this machine's CPU does it take to divert a call?
 *
 * A replica: the kernel's own objects, klp_trampoline or ftrace_caller with a handler, linked into
 * a program that has functions to patch (ways.S), the variables that these objects read, and
 * nothing else of a kernel. It can say what their instructions take when what they read is in the
 * cache and all jumps are predicted that can be, as for a call that is made often. It cannot say
 * what that takes in a kernel that does something else in between, with the mitigations of another
 * kernel configuration, or on another CPU.
 *
 * Prints "WAY SINGLE NESTED INSIDE": the cycles that a call takes more than one of a function that
 * is not patched. SINGLE: from a loop. NESTED: the mean of four, the others from replacements.
 * INSIDE: from the innermost of four functions that are not patched, all the way back. A cycle is a
 * third of the time of a multiplication; figures are the medians of many rounds.
 */
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>
#include "cycles.h"
#include "offsets.h"

#define ROUNDS		2001
#define CALLS		300
#define KEY		(4 + 5)		/* behind ENDBR and the call */
#define SLOTS		4096		/* of the index; a power of two */
#define MASK		((SLOTS - 1) * KLP_slot_size)

/* What a kernel's objects, and the stubs, ask for by name. */
void *klp_index;
void *function_trace_op;
int klp_index_counts;
void *stub_sites[MOST_DEPTH];

static void fail(const char *what)
{
	fprintf(stderr, "cycles: %s\n", what);
	exit(1);
}

/* A structure of the kernel of which some members matter. */
static char *structure(void)
{
	char *memory = calloc(1, 16384);

	if (!memory)
		fail("no memory");
	return memory;
}

static void put(char *memory, size_t offset, uint64_t value)
{
	memcpy(memory + offset, &value, sizeof(value));
}

/* Outside of a transition: no task has a world, and what stands in front of both is used. */
static char *make_task(void)
{
	char *task = structure();
	int32_t idle = -1;

	memcpy(task + KLP_patch_state, &idle, sizeof(idle));
	return task;
}

static char *make_site(call_t *new)
{
	char *site = structure();

	for (int world = -1; world <= 1; world++)
		put(site, KLP_dest + world * sizeof(void *), (uintptr_t)new);
	return site;
}

static void index_add(char *index, call_t *old, char *site)
{
	uint64_t key = (uintptr_t)old + KEY, there;
	char *slot = index + (key & MASK);

	memcpy(&there, slot + KLP_slot_key, sizeof(there));
	if (there)
		fail("two functions have one slot");
	put(slot, KLP_slot_key, key);
	put(slot, KLP_slot_site, (uintptr_t)site);
}

/* Sites for all, whether or not their way asks for them. */
static void make_sites(void)
{
	char *index = calloc(1, KLP_slot_key + SLOTS * KLP_slot_size);

	if (!index)
		fail("no memory");
	put(index, KLP_mask, MASK);
	for (const struct way *way = __start_ways; way < __stop_ways; way++) {
		for (int i = 0; i < MOST_DEPTH; i++) {
			char *site = make_site(way->adds == 1 ? NULL : way->new[i]);

			index_add(index, way->old[i], site);
			if (!strcmp(way->name, "stub"))
				stub_sites[i] = site;
		}
	}
	klp_index = index;
}

/* What the objects reach by way of %gs is elsewhere than its name says, as in a kernel. */
static void make_cpu(char *task)
{
	this_cpu[0] = (uintptr_t)task;
	/* Nobody waits for the CPU; that bit has two places. */
	this_cpu[1] = 1ULL << 63 | 1ULL << 31;
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, (uintptr_t)this_cpu - (uintptr_t)cpu))
		fail("there is no %gs");
}

/* ---- text, as the kernel writes it when it boots and when it patches */

static void write_text(void *at, const void *text, size_t size)
{
	uintptr_t page = (uintptr_t)at & -4096UL, end = (uintptr_t)at + size;

	if (mprotect((void *)page, end - page, PROT_READ | PROT_WRITE | PROT_EXEC))
		fail("no text can be written");
	memcpy(at, text, size);
}

/* Write over the distance at the end of an instruction. */
static void write_distance(char *at, const void *to)
{
	int32_t distance = (const char *)to - (at + sizeof(distance));

	write_text(at, &distance, sizeof(distance));
}

static void write_call(call_t *f, const void *to)
{
	char *at = (char *)f + 4;

	write_text(at, "\xe8", 1);
	write_distance(at + 1, to);
}

/* A static branch that is off and was compiled as a jump is none once the kernel has booted. */
static void write_branches(void)
{
	for (struct jump_entry *e = __start___jump_table; e < __stop___jump_table; e++) {
		uintptr_t key = ((uintptr_t)&e->key + e->key) & ~3UL;
		char *code = (char *)&e->code + e->code;

		if (key == (uintptr_t)&klp_index_counts && *code == '\xeb')
			write_text(code, "\x66\x90", 2);
	}
}

/*
 * What ftrace makes for an ftrace_ops: its code, and behind that the address of the ops, which the
 * code refers to.
 */
static char *copy_caller(const void *ops, const void *handler)
{
	size_t size = ftrace_caller_end - ftrace_caller;
	char *copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (copy == MAP_FAILED)
		fail("no memory for text");
	memcpy(copy, ftrace_caller, size);
	copy[size] = '\xc3';
	put(copy, size + 8, (uintptr_t)ops);
	write_distance(copy + (ftrace_caller_op_ptr - ftrace_caller) + 3, copy + size + 8);
	write_distance(copy + (ftrace_call - ftrace_caller) + 1, handler);
	return copy;
}

/* ---- what the handlers are told */

/* The stock one: an ftrace_ops for each function, and before that a list of its versions. */
#define STOCK_OPS_LIST		(-16)
#define STOCK_FUNC_NEW		8
#define STOCK_FUNC_NODE		112

static char *make_stock_ops(call_t *new)
{
	char *func = structure(), *ops = structure() + 64;

	put(func, STOCK_FUNC_NEW, (uintptr_t)new);
	put(ops, STOCK_OPS_LIST, (uintptr_t)func + STOCK_FUNC_NODE);
	put(func, STOCK_FUNC_NODE, (uintptr_t)ops + STOCK_OPS_LIST);
	return ops;
}

static void hook_handler(const struct way *way)
{
	const char *ours = own_handler ? copy_caller(NULL, own_handler) : NULL;

	for (int i = 0; i < MOST_DEPTH; i++)
		write_call(way->old[i], ours ? ours :
			   copy_caller(make_stock_ops(way->new[i]), stock_handler));
}

/* ---- measuring */

static uint64_t ticks(void)
{
	uint64_t now;

	_mm_lfence();
	now = __rdtsc();
	_mm_lfence();
	return now;
}

/* Ticks of @calls calls, each of which needs the result of the one before. */
static uint64_t time_calls(call_t *f, void *inner, int calls)
{
	uint64_t began = ticks();
	int x = 0;

	while (calls--)
		x = f(x, inner);
	__asm__ volatile("" : : "r" (x));
	return ticks() - began;
}

/* Ticks of as many cycles. */
static uint64_t time_cycles(int cycles)
{
	uint64_t began = ticks();
	uint64_t x = began;

	for (int i = 0; i < cycles / 30; i++)
		__asm__ volatile(".rept 10\n\timulq %0, %0\n\t.endr" : "+r" (x));
	return ticks() - began;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How many cycles a call of @f takes. */
static double measure(call_t *f, void *inner)
{
	static double all[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t calls = time_calls(f, inner, CALLS);
		uint64_t cycles = time_cycles(30 * CALLS);

		all[i] = 30.0 * calls / cycles;
	}
	qsort(all, ROUNDS, sizeof(all[0]), compare);
	return all[ROUNDS / 2];
}

static void measure_way(const struct way *way)
{
	static double bare, bare_nested, bare_outer;
	call_t *one = way->old[MOST_DEPTH - 1], *nested = way->old[0];
	double figures[] = { measure(one, NULL), measure(nested, NULL), measure(outer, one) };

	if (one(0, NULL) != way->adds || nested(0, NULL) != MOST_DEPTH * way->adds)
		fail("a call went astray");
	if (way == __start_ways) {
		bare = figures[0];
		bare_nested = figures[1];
		bare_outer = figures[2];
	}
	printf("%s %.1f %.1f %.1f\n", way->name, figures[0] - bare,
	       (figures[1] - bare_nested) / MOST_DEPTH, figures[2] - bare_outer);
}

static int needs_trampoline(const struct way *way)
{
	return !strcmp(way->name, "trampoline") || !strcmp(way->name, "original");
}

int main(void)
{
	make_sites();
	make_cpu(make_task());
	write_branches();
	for (const struct way *way = __start_ways; way < __stop_ways; way++) {
		if (!strcmp(way->name, "handler"))
			hook_handler(way);
		if (own_trampoline || !needs_trampoline(way))
			measure_way(way);
	}
	return 0;
}
