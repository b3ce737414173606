/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One memory allocation of the current task fails, counted from here.
 */
#ifndef _KLPT_FAULT_H
#define _KLPT_FAULT_H

#include <linux/errno.h>
#include <linux/sched.h>

#ifdef CONFIG_FAULT_INJECTION
static inline int fail_from_here(int nth)
{
	current->fail_nth = nth;
	return 0;
}

static inline const char *fail_until_here(void)
{
	bool left = current->fail_nth;

	current->fail_nth = 0;
	return left ? "unused" : "used";
}
#else
static inline int fail_from_here(int nth)
{
	return -EOPNOTSUPP;
}

static inline const char *fail_until_here(void)
{
	return "unsupported";
}
#endif

#endif /* _KLPT_FAULT_H */
