// SPDX-License-Identifier: GPL-2.0-only
/*
 * How soon does a real-time thread run, when the interrupt that wakes it comes in the middle of
 * calls of bench_f0()? Part of bench_target.
 *
 *	/sys/module/bench_target/parameters/wakeup	the latest of 500, in ns behind time
 *
 * The guest has one CPU. A thread of normal priority does nothing but call the function; the other
 * one sleeps until a timer fires, each time a nanosecond longer, so that the interrupts hit every
 * instruction of the loop in turn.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sysfs.h>
#include "bench.h"

#define WAKEUPS	500
#define PAUSE	(100 * NSEC_PER_USEC)
#define CALLS	1000

struct wakeup {
	struct completion done;
	s64 latest;
};

static int wakeup_busy(void *unused)
{
	int i, x = 0;

	while (!kthread_should_stop()) {
		for (i = 0; i < CALLS; i++)
			x = bench_f0(x);
		OPTIMIZER_HIDE_VAR(x);
	}
	return 0;
}

static int wakeup_urgent(void *arg)
{
	struct wakeup *wakeup = arg;
	ktime_t due;
	int i;

	sched_set_fifo(current);
	for (i = 0; i < WAKEUPS; i++) {
		due = ktime_add_ns(ktime_get(), PAUSE + i);
		set_current_state(TASK_IDLE);
		schedule_hrtimeout(&due, HRTIMER_MODE_ABS_PINNED_HARD);
		wakeup->latest = max(wakeup->latest, ktime_to_ns(ktime_sub(ktime_get(), due)));
	}
	complete(&wakeup->done);
	return 0;
}

static int wakeup_show(char *buffer, const struct kernel_param *kp)
{
	struct wakeup wakeup = { .done = COMPLETION_INITIALIZER_ONSTACK(wakeup.done) };
	struct task_struct *busy, *urgent;

	busy = kthread_run(wakeup_busy, NULL, "bench_calls");
	if (IS_ERR(busy))
		return PTR_ERR(busy);
	urgent = kthread_run(wakeup_urgent, &wakeup, "bench_wakeup");
	if (!IS_ERR(urgent))
		wait_for_completion(&wakeup.done);
	kthread_stop(busy);
	return PTR_ERR_OR_ZERO(urgent) ?: sysfs_emit(buffer, "%lld\n", wakeup.latest);
}

static const struct kernel_param_ops wakeup_ops = { .get = wakeup_show };
module_param_cb(wakeup, &wakeup_ops, NULL, 0400);
