/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In what do the kernels differ that the test modules are built for? What differs for the core
 * stands in kernel/livepatch/compat.h. The headers that it is about stand before this one.
 */
#ifndef _KLPT_COMPAT_H
#define _KLPT_COMPAT_H

#ifdef CONFIG_HAVE_FTRACE_GRAPH_FUNC
/* The graph tracer watches for fprobes, and has no limit of its own for each. */
#define klpt_fprobe_regs		ftrace_regs
#define klpt_fprobe_return_value	ftrace_regs_get_return_value
#define klpt_fprobe_limit(fp, n)	((void)(fp), (void)(n))
#define klpt_fprobe_forget(fp)		((void)(fp))
#else
#define klpt_fprobe_regs		pt_regs
#define klpt_fprobe_return_value	regs_return_value
#define klpt_fprobe_limit(fp, n)	((fp)->nr_maxactive = (n))
/* The filter has been freed, and is still there. */
#define klpt_fprobe_forget(fp)		memset(&(fp)->ops, 0, sizeof((fp)->ops))
#endif

/* Who shares a function is told the address, where one ftrace_ops serves all direct calls. */
#ifdef CONFIG_HAVE_SINGLE_FTRACE_DIRECT_OPS
#define KLPT_OPS_FUNC(name, ops, cmd) \
	name(struct ftrace_ops *ops, unsigned long ip, enum ftrace_ops_cmd cmd)
#else
#define KLPT_OPS_FUNC(name, ops, cmd) \
	name(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
#endif

#ifdef HRTIMER_STATE_ENQUEUED
/* Linux 6.12 */
#define hrtimer_setup(timer, func, clock, mode)	\
	(hrtimer_init(timer, clock, mode), (void)((timer)->function = (func)))
#endif

#endif /* _KLPT_COMPAT_H */
