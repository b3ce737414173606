// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which states can a program get into, in whatever order its actors act?
 *
 * An actor is a coroutine that runs up to the next point where others may do something. The state
 * is all memory that any of them can write: variables, what was allocated, and the part of each
 * stack that is in use, with the registers. So it is compared and put back as it stands, and the
 * code under test need not know. States are gone through depth first; of those that were seen, 64
 * bits of a hash are kept. Holzmann, "The SPIN Model Checker" (2003), has all of that for a
 * language of its own.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "explore.h"

#define HEAP_AT		((void *)0x100000000000)	/* pointers are part of the state */
#define HEAP_SIZE	(64 << 10)
#define STACK_SIZE	(64 << 10)	/* printf() takes some */
#define SCRATCH		(4 << 10)	/* as far as a step goes below what is in use */
#define UNIT		64		/* what memory is allocated in */
#define UNITS		(HEAP_SIZE / UNIT)
#define POISON		0x6b		/* where nothing is allocated */
#define CRASH_STACK	(64 << 10)
#define SEEN_BITS	26
#define DEPTH_MAX	20000

/* An actor's side of the state. */
struct coroutine {
	ucontext_t context;
	bool (*condition)(void);
	unsigned int choices, chosen;
	bool started, ended;
};

/* All that belongs to the state, beside the variables of the program. */
struct heap {
	struct coroutine coroutine[ACTORS_MAX];
	unsigned int length[UNITS];	/* of the allocation that begins here, in units */
	size_t allocated;
	char unit[UNITS][UNIT] __attribute__((aligned(UNIT)));
	char stack[ACTORS_MAX][STACK_SIZE] __attribute__((aligned(64)));
};

/* What a state is put back from: the variables, the heap as far as it is in use, the stacks. */
struct snapshot {
	unsigned int units;
	unsigned int live[ACTORS_MAX];
	char data[];
};

/* A state on the way to the present one, and what was tried from there. */
struct node {
	struct snapshot *snapshot;
	unsigned int actor, choice;
};

/* The explorer's own, which is not part of the state. */
struct explorer {
	const struct actor *actors;
	unsigned int nr;
	void (*check)(void);
	ucontext_t home;
	unsigned int acting;
	bool inside;		/* an actor runs */
	bool telling;
	struct node path[DEPTH_MAX];
	unsigned int bound;		/* of steps in a row */
	unsigned int depth, deepest;
	unsigned long states, steps;
	uint64_t *seen;
	jmp_buf end;
};

static struct explorer *ex;
static struct heap *heap;

/* The linker's: from the first variable that is not constant to the last one. */
extern char __data_start[], _end[];

/* ---- memory */

void *model_alloc(size_t size)
{
	unsigned int need = (size + UNIT - 1) / UNIT ?: 1, run = 0, i;

	for (i = 0; i < UNITS; i++) {
		if (heap->length[i]) {
			i += heap->length[i] - 1;
			run = 0;
		} else if (++run == need) {
			i -= need - 1;
			heap->length[i] = need;
			heap->allocated++;
			return memset(heap->unit[i], 0, need * UNIT);
		}
	}
	violated("the model's heap is full");
}

bool model_owns(const void *ptr)
{
	return (const char *)ptr >= heap->unit[0] && (const char *)ptr < heap->unit[UNITS];
}

void model_free(const void *ptr)
{
	unsigned int i = ((const char *)ptr - heap->unit[0]) / UNIT;

	if (!ptr)
		return;
	if (!model_owns(ptr) || !heap->length[i] || ptr != heap->unit[i])
		violated("freed, and not allocated");
	memset(heap->unit[i], POISON, heap->length[i] * UNIT);
	heap->length[i] = 0;
	heap->allocated--;
}

size_t model_allocated(void)
{
	return heap->allocated;
}

/* ---- states */

static unsigned int heap_units(void)
{
	unsigned int i, end = 0;

	for (i = 0; i < UNITS; i++) {
		if (heap->length[i]) {
			end = i + heap->length[i];
			i = end - 1;
		}
	}
	return end;
}

static char *stack_top(unsigned int nr)
{
	return heap->stack[nr] + STACK_SIZE;
}

/* How much of its stack an actor uses. */
static unsigned int stack_live(unsigned int nr)
{
	const struct coroutine *co = &heap->coroutine[nr];

	if (!co->started || co->ended)
		return 0;
	return stack_top(nr) - (char *)co->context.uc_mcontext.gregs[REG_RSP];
}

struct piece {
	void *start;
	size_t size;
};

/* The pieces of memory that are the state. Returns how many. */
static unsigned int pieces(struct piece *piece, unsigned int units, const unsigned int *live)
{
	unsigned int nr = 0, i;

	piece[nr++] = (struct piece){ __data_start, _end - __data_start };
	piece[nr++] = (struct piece){ heap->coroutine, sizeof(*heap->coroutine) * ex->nr };
	piece[nr++] = (struct piece){ &heap->allocated, sizeof(heap->allocated) };
	piece[nr++] = (struct piece){ heap->length, sizeof(*heap->length) * units };
	piece[nr++] = (struct piece){ heap->unit, (size_t)units * UNIT };
	for (i = 0; i < ex->nr; i++)
		piece[nr++] = (struct piece){ stack_top(i) - live[i], live[i] };
	return nr;
}

static struct snapshot *take(void)
{
	struct piece piece[ACTORS_MAX + 5];
	unsigned int live[ACTORS_MAX] = {}, units = heap_units(), nr, i;
	struct snapshot *shot;
	size_t size = 0;
	char *at;

	for (i = 0; i < ex->nr; i++)
		live[i] = stack_live(i);
	nr = pieces(piece, units, live);
	for (i = 0; i < nr; i++)
		size += piece[i].size;
	shot = malloc(sizeof(*shot) + size);
	if (!shot) {
		perror("model");
		exit(2);
	}
	shot->units = units;
	memcpy(shot->live, live, sizeof(live));
	at = shot->data;
	for (i = 0; i < nr; i++) {
		memcpy(at, piece[i].start, piece[i].size);
		at += piece[i].size;
	}
	return shot;
}

static void put_back(const struct snapshot *shot)
{
	struct piece piece[ACTORS_MAX + 5];
	unsigned int units = heap_units(), nr, i;
	const char *at = shot->data;

	/* What was allocated behind the end is not there. */
	if (units > shot->units) {
		memset(&heap->length[shot->units], 0,
		       sizeof(*heap->length) * (units - shot->units));
		memset(heap->unit[shot->units], POISON, (size_t)(units - shot->units) * UNIT);
	}
	nr = pieces(piece, shot->units, shot->live);
	for (i = 0; i < nr; i++) {
		memcpy(piece[i].start, at, piece[i].size);
		at += piece[i].size;
	}
}

static uint64_t mix(uint64_t hash, const void *start, size_t size)
{
	const char *at = start;
	uint64_t word;
	size_t part;

	for (; size; at += part, size -= part) {
		part = size < sizeof(word) ? size : sizeof(word);
		word = 0;
		memcpy(&word, at, part);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	return hash;
}

/* Registers that a call may change say nothing, nor what a context has beside them. */
static uint64_t fingerprint(void)
{
	static const int kept[] = { REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15, REG_RSP,
				    REG_RIP };
	struct piece piece[ACTORS_MAX + 5];
	unsigned int live[ACTORS_MAX] = {}, nr, i, reg;
	uint64_t hash = 0;

	for (i = 0; i < ex->nr; i++) {
		struct coroutine *co = &heap->coroutine[i];
		uint64_t words[] = { (uint64_t)co->condition, co->choices, co->started, co->ended };

		hash = mix(hash, words, sizeof(words));
		live[i] = stack_live(i);
		if (!live[i])
			continue;
		for (reg = 0; reg < sizeof(kept) / sizeof(*kept); reg++)
			hash = mix(hash, &co->context.uc_mcontext.gregs[kept[reg]], 8);
	}
	nr = pieces(piece, heap_units(), live);
	for (i = 0; i < nr; i++) {
		if (piece[i].start != heap->coroutine)
			hash = mix(hash, piece[i].start, piece[i].size);
	}
	return hash ?: 1;
}

/* Was there such a state already? From now on there was. */
static bool seen(uint64_t hash)
{
	uint64_t mask = (1UL << SEEN_BITS) - 1, i;

	for (i = hash & mask; ex->seen[i]; i = (i + 1) & mask) {
		if (ex->seen[i] == hash)
			return true;
	}
	if (ex->states > mask / 4 * 3) {
		fprintf(stderr, "model: more states than there is room for\n");
		exit(2);
	}
	ex->seen[i] = hash;
	return false;
}

/* ---- actors */

int acting(void)
{
	return ex->acting;
}

static struct coroutine *self(void)
{
	return &heap->coroutine[ex->acting];
}

void point(void)
{
	/* What the check looks at stands still. */
	if (ex->inside)
		swapcontext(&self()->context, &ex->home);
}

void wait_until(bool (*condition)(void))
{
	self()->condition = condition;
	point();
}

unsigned int choose(unsigned int n)
{
	self()->choices = n;
	point();
	return self()->chosen;
}

static void begin(int nr)
{
	ex->actors[nr].main(nr);
	self()->ended = true;
	point();
}

/* Let an actor take a step. */
static void step(unsigned int nr, unsigned int choice)
{
	struct coroutine *co = &heap->coroutine[nr];

	ex->acting = nr;
	co->condition = NULL;
	co->choices = 1;
	co->chosen = choice;
	if (!co->started) {
		co->started = true;
		getcontext(&co->context);
		co->context.uc_stack.ss_sp = heap->stack[nr];
		co->context.uc_stack.ss_size = STACK_SIZE;
		co->context.uc_link = NULL;
		makecontext(&co->context, (void (*)(void))begin, 1, nr);
	}
	/* What earlier calls have left below the stack is no part of the state. */
	memset(stack_top(nr) - stack_live(nr) - SCRATCH, 0, SCRATCH);
	ex->inside = true;
	swapcontext(&ex->home, &co->context);
	ex->inside = false;
	/* Only matters while it runs. */
	co->chosen = 0;
}

static bool can_act(unsigned int nr)
{
	const struct coroutine *co = &heap->coroutine[nr];

	return !co->ended && (!co->condition || co->condition()) &&
	       (!ex->actors[nr].able || ex->actors[nr].able(nr));
}

/* The first actor is waiting for what nobody is going to do. */
static void stuck(void)
{
	unsigned int i;

	for (i = 0; i < ex->nr; i++) {
		if (can_act(i))
			return;
	}
	if (!heap->coroutine[0].ended)
		violated("nobody can do anything any more");
}

/* ---- stories */

void say(const char *format, ...)
{
	va_list args;

	if (!ex->telling)
		return;
	va_start(args, format);
	printf("#   %-9s", ex->actors[ex->acting].name);
	vprintf(format, args);
	va_end(args);
	if (format[strlen(format) - 1] != '\n')
		putchar('\n');
}

/* From the beginning to here, once more and aloud. */
static void tell(void)
{
	unsigned int i, depth = ex->depth;

	put_back(ex->path[0].snapshot);
	ex->telling = true;
	for (i = 0; i <= depth; i++) {
		step(ex->path[i].actor, ex->path[i].choice);
		ex->check();
	}
	stuck();
	fprintf(stderr, "model: what was seen happens no second time\n");
	exit(2);
}

void violated(const char *format, ...)
{
	va_list args;

	if (!ex->telling) {
		/* Not on the stack of whoever has found out. */
		longjmp(ex->end, 1);
	}
	va_start(args, format);
	printf("#   ---------> ");
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

/* Somebody has followed a pointer to nowhere, and may have no stack left. */
static void crash(int signal)
{
	violated("there is no such memory");
}

static void catch_crashes(void)
{
	const stack_t other = { .ss_sp = malloc(CRASH_STACK), .ss_size = CRASH_STACK };
	struct sigaction action = { .sa_handler = crash, .sa_flags = SA_ONSTACK | SA_NODEFER };

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* ---- the search */

/* The next step from the state at the end of the path; false when all were taken. */
static bool next_step(struct node *node)
{
	for (; node->actor < ex->nr; node->actor++, node->choice = 0) {
		if (can_act(node->actor) &&
		    node->choice < (heap->coroutine[node->actor].choices ?: 1))
			return true;
	}
	return false;
}

static void arrive(void)
{
	struct node *node;

	if (ex->depth == ex->bound || seen(fingerprint()))
		return;
	ex->states++;
	ex->depth++;
	if (ex->depth == DEPTH_MAX - 1) {
		fprintf(stderr, "model: %u steps in a row\n", DEPTH_MAX);
		exit(2);
	}
	if (ex->deepest < ex->depth)
		ex->deepest = ex->depth;
	node = &ex->path[ex->depth];
	node->snapshot = take();
	node->actor = 0;
	node->choice = 0;
}

static void search(void)
{
	struct node *node = &ex->path[0];

	ex->states = 1;
	seen(fingerprint());
	node->snapshot = take();
	for (;;) {
		node = &ex->path[ex->depth];
		put_back(node->snapshot);
		if (!next_step(node)) {
			if (!ex->depth)
				return;
			free(node->snapshot);
			ex->depth--;
			ex->path[ex->depth].choice++;
			continue;
		}
		step(node->actor, node->choice);
		ex->steps++;
		ex->check();
		stuck();
		arrive();
		if (node == &ex->path[ex->depth])
			node->choice++;
	}
}

unsigned long explore(const struct actor *actors, unsigned int nr, void (*check)(void),
		      unsigned int bound)
{
	ex = mmap(NULL, sizeof(*ex), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	heap = mmap(HEAP_AT, sizeof(*heap), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (ex == MAP_FAILED || heap == MAP_FAILED) {
		perror("model");
		exit(2);
	}
	ex->seen = mmap(NULL, 8UL << SEEN_BITS, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ex->seen == MAP_FAILED) {
		perror("model");
		exit(2);
	}
	ex->actors = actors;
	ex->nr = nr;
	ex->check = check;
	ex->bound = bound && bound < DEPTH_MAX ? bound : DEPTH_MAX - 1;
	memset(heap->unit, POISON, sizeof(heap->unit));
	catch_crashes();
	if (setjmp(ex->end))
		tell();
	search();
	return ex->states;
}

unsigned long explored_steps(void)
{
	return ex->steps;
}

unsigned long explored_depth(void)
{
	return ex->deepest;
}
