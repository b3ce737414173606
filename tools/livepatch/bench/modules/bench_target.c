// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds the functions that "make bench" patches, and the clock. Under QEMU's -icount shift=0 the
 * time stamp counter counts guest instructions.
 *
 *	/sys/module/bench_target/parameters/now		the clock
 *	/sys/module/bench_target/parameters/call	what CALLS calls of one function take
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/timex.h>
#include "bench.h"

#define CALLS 100000

static int bench_now(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%llu\n", (u64)get_cycles());
}

static const struct kernel_param_ops bench_now_ops = { .get = bench_now };
module_param_cb(now, &bench_now_ops, NULL, 0444);

static u64 bench_loop(int (*func)(int x))
{
	u64 start = get_cycles();
	int i, x = 0;

	for (i = 0; i < CALLS; i++) {
		if (func)
			x = bench_f0(x);
		/* Keeps the loop, and x, without the call. */
		OPTIMIZER_HIDE_VAR(x);
	}
	return get_cycles() - start;
}

static int bench_call(char *buffer, const struct kernel_param *kp)
{
	unsigned long flags;
	u64 with, without;

	/* No interrupt is to be counted. */
	local_irq_save(flags);
	with = bench_loop(bench_f0);
	without = bench_loop(NULL);
	local_irq_restore(flags);
	return sysfs_emit(buffer, "%llu %u\n", with - without, CALLS);
}

static const struct kernel_param_ops bench_call_ops = { .get = bench_call };
module_param_cb(call, &bench_call_ops, NULL, 0444);

MODULE_DESCRIPTION("Functions to patch and a clock, for the livepatch benchmark");
MODULE_LICENSE("GPL");
