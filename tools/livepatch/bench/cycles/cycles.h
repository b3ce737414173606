/* SPDX-License-Identifier: GPL-2.0-only */
/* What ways.S and the objects of a kernel have for cycles.c. */
#ifndef CYCLES_H
#define CYCLES_H

#include <stdint.h>

#define MOST_DEPTH	4

/* The second argument is for outer() alone. */
typedef int call_t(int x, void *f);

/**
 * struct way - functions whose calls are diverted in one way
 * @name: of the way
 * @adds: what a call adds to its argument: 2 in a replacement, 1 in an original
 * @old: what is called; each but the last one calls the next, and so does its replacement
 * @new: the replacements
 */
struct way {
	const char *name;
	long adds;
	call_t *old[MOST_DEPTH];
	call_t *new[MOST_DEPTH];
};

/* The first one is that of functions that are not patched. */
extern const struct way __start_ways[], __stop_ways[];

/* Calls @f from the innermost of four functions that are not patched. */
call_t outer;

/* Task and preemption count, where a kernel's names for them are, and where %gs leads instead. */
extern uint64_t cpu[2], this_cpu[2];

/* What belongs to one of the kernels is NULL with the other. */
extern const char *own_trampoline, *own_handler, *stock_handler;

/* ftrace_caller and places in it. */
extern const char ftrace_caller[], ftrace_caller_op_ptr[], ftrace_call[], ftrace_caller_end[];

/* Static branches. */
struct jump_entry {
	int32_t code, target;
	int64_t key;
};

extern struct jump_entry __start___jump_table[], __stop___jump_table[];

#endif /* CYCLES_H */
