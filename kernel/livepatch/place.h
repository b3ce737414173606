/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far from the entry of a function may ftrace's place be, and does it lead to ftrace? Answers
 * for architectures on which no file looks at the instructions (place_x86_64.c).
 */
#ifndef _LIVEPATCH_PLACE_H
#define _LIVEPATCH_PLACE_H

#include <linux/ftrace.h>
#include <linux/types.h>

#ifdef CONFIG_X86_64
/* From the entry of a function to its place: nothing, or one instruction. */
#define KLP_PLACE_REACH		4UL
#else
/*
 * What ftrace itself takes for the entry, where it sorts places out by that: powerpc, on which
 * a function may begin with its global entry. On arm64 a landing pad may come first, and what
 * saves the return address does. On s390 and loongarch nothing is in front of the place.
 */
#ifdef FTRACE_MCOUNT_MAX_OFFSET
#define KLP_PLACE_REACH		((unsigned long)FTRACE_MCOUNT_MAX_OFFSET)
#elif defined(CONFIG_ARM64)
#define KLP_PLACE_REACH		8UL
#else
#define KLP_PLACE_REACH		0UL
#endif

static inline bool klp_place_fits(unsigned long start, unsigned long ip)
{
	return ip - start <= KLP_PLACE_REACH;
}

/* ftrace serves all places that klp_place_find() finds. */
static inline bool klp_place_leads(unsigned long ip, unsigned long trampoline)
{
	return true;
}
#endif

#endif /* _LIVEPATCH_PLACE_H */
