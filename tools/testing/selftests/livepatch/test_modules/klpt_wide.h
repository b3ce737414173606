/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of klpt_wide, and those that replace them: the same, with KLPT_MARK in the result.
 * More arguments than there are registers, arguments without a prototype, structures as arguments
 * and as results, and a function that is called again from within.
 *
 * Included by klpt_wide.c and klpt_wide_patch.c, which define KLPT_MARK and KLPT_NAME().
 */
#ifndef _KLPT_WIDE_H
#define _KLPT_WIDE_H

#include <linux/kernel.h>
#include <linux/stdarg.h>
#include "klpt_lib.h"

#define KLPT_DEPTH	20

struct klpt_wide {
	long words[12];
};

/* The way down: by the entry of the original, each time. */
struct klpt_descent {
	long (*down)(struct klpt_descent *way, int depth);
	int channel;
};

static klpt_func long KLPT_NAME(twelve)(long a, long b, long c, long d, long e, long f, long g,
					long h, long i, long j, long k, long l)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j +
	       11 * k + 12 * l + KLPT_MARK;
}

static klpt_func long KLPT_NAME(many)(int count, ...)
{
	long sum = KLPT_MARK;
	va_list args;

	va_start(args, count);
	for (int i = 1; i <= count; i++)
		sum += i * (i & 1 ? va_arg(args, int) : va_arg(args, long));
	va_end(args);
	return sum;
}

static klpt_func struct klpt_wide KLPT_NAME(struct)(struct klpt_wide one, struct klpt_wide other)
{
	struct klpt_wide ret;

	for (int i = 0; i < ARRAY_SIZE(ret.words); i++)
		ret.words[i] = one.words[i] - 2 * other.words[i] + KLPT_MARK;
	return ret;
}

/* A mark for each level; negative when the task was killed at the bottom. */
static klpt_func long KLPT_NAME(down)(struct klpt_descent *way, int depth)
{
	long below = 0;

	if (depth > 1)
		below = way->down(way, depth - 1);
	else if (way->channel)
		below = klpt_wait(way->channel, KLPT_KILLABLE) ? -1000 * KLPT_DEPTH : 0;
	return below + 1 + KLPT_MARK;
}

#endif /* _KLPT_WIDE_H */
