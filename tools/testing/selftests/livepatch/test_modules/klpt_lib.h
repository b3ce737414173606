/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _KLPT_LIB_H
#define _KLPT_LIB_H

#include <linux/compiler.h>
#include <linux/types.h>

/*
 * A function to patch, or a replacement: called by its name and through its entry, with all of its
 * arguments, and not folded with another that happens to do the same.
 */
#if __has_attribute(__noipa__)
#define klpt_func	noinline __attribute__((__noipa__))
#else
#define klpt_func	noinline
#endif

/* Count up what one writes and others read at any time. */
static __always_inline void klpt_count(unsigned long *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

/* How a waiting task sleeps. */
enum klpt_how {
	KLPT_KILLABLE,		/* fake signals do not end the sleep, a kill does */
	KLPT_INTERRUPTIBLE,	/* any signal ends it */
	KLPT_IDLE,		/* only a wake-up ends it; for kthreads */
};

/* Independent wake-up channels, see /proc/klpt/wake. */
#define KLPT_CHANNELS	8

/* Numbers that livepatches have, from 1. */
#define KLPT_IDS	4

/* What klpt_loop() of the target works on; the replacement gets it, too. */
struct klpt_loop_args {
	int (*bar)(void);
	int channel;
	int rounds;
	char seen[32];
};

/* Where calls of functions of klpt_work got to: the original, or one of the livepatches. */
struct klpt_work {
	unsigned long calls;
	unsigned long ran[KLPT_IDS + 1];
};

/* What the original and the replacements have in common: tell who ran, and with which arguments. */
static __always_inline long klpt_work_ran(struct klpt_work *work, int id, long b, long c, long d,
					  long e, long f, long g)
{
	klpt_count(&work->calls);
	klpt_count(&work->ran[id]);
	return 10 * (b + 2 * c + 3 * d + 4 * e + 5 * f + 6 * g) + id;
}

__printf(1, 2) void klpt_log(const char *fmt, ...);
void *klpt_entry(const char *name);
int klpt_wait(unsigned int channel, enum klpt_how how);
void klpt_nap(void);
void klpt_exit_begin(int id);
void klpt_exit_end(int id);
bool klpt_exit_held(void);

#endif /* _KLPT_LIB_H */
