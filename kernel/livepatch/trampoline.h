/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left of the trampoline (trampoline.c) on architectures that have none?
 */
#ifndef _LIVEPATCH_TRAMPOLINE_H
#define _LIVEPATCH_TRAMPOLINE_H

#include <linux/ftrace.h>
#include "types.h"

#ifndef CONFIG_X86_64
static inline void klp_trampoline_offer(struct ftrace_ops *fops)
{
}

static inline bool klp_trampoline_contains(unsigned long addr)
{
	return false;
}

static inline int klp_trampoline_forbid(struct klp_ranges **set)
{
	return 0;
}
#endif

#endif /* _LIVEPATCH_TRAMPOLINE_H */
