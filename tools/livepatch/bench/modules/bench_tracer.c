// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another tracer on a function, beside a livepatch. Does nothing when the function is called, or
 * takes a stack trace, which goes through the trampoline that it was called by.
 *
 *	/sys/module/bench_tracer/parameters/unwound	"INSTRUCTIONS TRACES"
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/timex.h>
#include "bench.h"

#define DEPTH 64

static char *function = "";
module_param(function, charp, 0444);
static uint unwind;
module_param(unwind, uint, 0444);

/* Only one task calls the function, with interrupts off. */
static struct bench_result unwound;
static unsigned long entries[DEPTH];

module_param_cb(unwound, &bench_result_ops, &unwound, 0444);

static void notrace tracer_nothing(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
}

static void notrace tracer_unwind(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	u64 start = get_cycles();

	stack_trace_save(entries, DEPTH, 0);
	unwound.total += get_cycles() - start;
	unwound.calls++;
}

static struct ftrace_ops tracer_ops = { .func = tracer_nothing };

static int __init bench_tracer_init(void)
{
	int ret;

	if (unwind)
		tracer_ops.func = tracer_unwind;
	ret = ftrace_set_filter(&tracer_ops, function, strlen(function), 1);
	return ret ?: register_ftrace_function(&tracer_ops);
}
module_init(bench_tracer_init);

static void __exit bench_tracer_exit(void)
{
	unregister_ftrace_function(&tracer_ops);
}
module_exit(bench_tracer_exit);

MODULE_DESCRIPTION("A tracer of one function, for the livepatch benchmark");
MODULE_LICENSE("GPL");
