// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long are interrupts off? Asks for a timer interrupt every PERIOD and keeps how late the
 * latest was: up to PERIOD less than the longest stretch, and more by the way to the handler.
 *
 *	/sys/module/bench_irqs/parameters/latest	"NS FUNCTION", the one that was interrupted
 */
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <asm/irq_regs.h>
#include "klpt_compat.h"

#define PERIOD (20 * NSEC_PER_USEC)

static struct hrtimer timer;
/* Written by the only handler. */
static long latest;
static unsigned long latest_ip;

static int irqs_show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld %pS\n", latest, (void *)latest_ip);
}

static const struct kernel_param_ops irqs_ops = { .get = irqs_show };
module_param_cb(latest, &irqs_ops, NULL, 0400);

static enum hrtimer_restart irqs_late(struct hrtimer *timer)
{
	ktime_t now = hrtimer_cb_get_time(timer);
	long late = ktime_sub(now, hrtimer_get_expires(timer));

	if (latest < late) {
		latest = late;
		latest_ip = instruction_pointer(get_irq_regs());
	}
	hrtimer_forward(timer, now, PERIOD);
	return HRTIMER_RESTART;
}

static int __init bench_irqs_init(void)
{
	hrtimer_setup(&timer, irqs_late, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&timer, PERIOD, HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}
module_init(bench_irqs_init);

static void __exit bench_irqs_exit(void)
{
	hrtimer_cancel(&timer);
}
module_exit(bench_irqs_exit);

MODULE_DESCRIPTION("How long interrupts are off, for the livepatch benchmark");
MODULE_LICENSE("GPL");
