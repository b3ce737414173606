/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world of the model: which code is where.
 */
#ifndef _MODEL_MODEL_H
#define _MODEL_MODEL_H

#include "internal.h"

#define FUNCTIONS	2
#define PATCHES		3

/* Functions f0 and f1, and what patch p replaces function f by. f1 may be a module's. */
#define CODE_SIZE	0x100UL
#define INSIDE_AT	0x40UL		/* where a call inside of a function returns to */
#define KERNEL_AT	0x50UL		/* who calls f0 and f1 */

/* The module that f1 may be in, and where it is; 0: in the kernel's own text. */
struct target {
	struct module mod;	/* without a name when it is not there */
	unsigned int at;
};

extern struct target target;

static inline unsigned long original(unsigned int func)
{
	return 0x10000 + 0x1000 * (func ? func + target.at : 0);
}

static inline unsigned long text_of(unsigned int patch)
{
	return 0x100000 * (patch + 1);
}

static inline unsigned long replacement(unsigned int patch, unsigned int func)
{
	return text_of(patch) + 0x1000 * func;
}

/* Of task.c, for the scheduler. */
void __klp_sched_try_switch(void);

/* Who is called for this place? */
struct ftrace_ops *model_ftrace(unsigned long ip);

/* For who comes to the list of tasks, or leaves it: spins with preemption off, so that he runs. */
void model_list_lock(void);
void model_list_unlock(void);

#endif /* _MODEL_MODEL_H */
