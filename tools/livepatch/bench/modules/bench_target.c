// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds functions that "make bench" patches, the clock, and a thread that can be kept inside of a
 * function. Under QEMU's -icount shift=0 the time stamp counter counts guest instructions.
 *
 *	/sys/module/bench_target/parameters/now		the clock
 *	/sys/module/bench_target/parameters/tick	the clock, when the next tick has passed
 *	/sys/module/bench_target/parameters/call	what calls of bench_f0() take
 *	/sys/module/bench_target/parameters/other	what calls of bench_f9999() take
 *	/sys/module/bench_target/parameters/hold	is there a thread in bench_wait()?
 *	/sys/module/bench_target/parameters/held	what calls of bench_f0() take that thread
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/timex.h>
#include <linux/wait.h>
#include "bench.h"

#define CALLS 10000

static int bench_now(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%llu\n", (u64)get_cycles());
}

static const struct kernel_param_ops bench_now_ops = { .get = bench_now };
module_param_cb(now, &bench_now_ops, NULL, 0444);

static int bench_tick(char *buffer, const struct kernel_param *kp)
{
	schedule_timeout_uninterruptible(1);
	return bench_now(buffer, kp);
}

static const struct kernel_param_ops bench_tick_ops = { .get = bench_tick };
module_param_cb(tick, &bench_tick_ops, NULL, 0444);

/* ---- calls */

static __always_inline int bench_nothing(int x)
{
	return x;
}

/* Inlined, as is this, so that a direct call of @function is all there is in the loop. */
static __always_inline u64 bench_loop(int (*function)(int x))
{
	u64 start = get_cycles();
	int i, x = 0;

	for (i = 0; i < CALLS; i++) {
		x = function(x);
		OPTIMIZER_HIDE_VAR(x);
	}
	return get_cycles() - start;
}

static __always_inline struct bench_result bench_measure(int (*function)(int x))
{
	struct bench_result result = { .calls = CALLS };
	unsigned long flags;

	/* No interrupt is to be counted. */
	local_irq_save(flags);
	result.total = bench_loop(function);
	result.total -= bench_loop(bench_nothing);
	local_irq_restore(flags);
	return result;
}

static int bench_call(char *buffer, const struct kernel_param *kp)
{
	struct bench_result result = bench_measure(bench_f0);

	return bench_result_show(buffer, &result);
}

static const struct kernel_param_ops bench_call_ops = { .get = bench_call };
module_param_cb(call, &bench_call_ops, NULL, 0444);

static int bench_call_other(char *buffer, const struct kernel_param *kp)
{
	struct bench_result result = bench_measure(bench_f9999);

	return bench_result_show(buffer, &result);
}

static const struct kernel_param_ops bench_other_ops = { .get = bench_call_other };
module_param_cb(other, &bench_other_ops, NULL, 0444);

/* ---- the thread that is kept; its parameters are read and written one at a time */

static DEFINE_MUTEX(hold_mutex);
/* Under hold_mutex. */
static struct task_struct *hold_thread;
/* The module goes, though its parameters can still be written; under hold_mutex. */
static bool hold_over;
static DECLARE_WAIT_QUEUE_HEAD(hold_queue);
/* Set by who asks, cleared by the thread when hold_result is there. */
static bool hold_asked;
static struct bench_result hold_result;

/* As long as the thread is in here, a patch of this function does not reach it. */
noinline void bench_wait(void);
void bench_wait(void)
{
	while (!kthread_should_stop()) {
		wait_event_idle(hold_queue, READ_ONCE(hold_asked) || kthread_should_stop());
		if (!READ_ONCE(hold_asked))
			continue;
		hold_result = bench_measure(bench_f0);
		WRITE_ONCE(hold_asked, false);
		wake_up(&hold_queue);
	}
}

static int bench_wait_thread(void *unused)
{
	bench_wait();
	return 0;
}

static void bench_release(void)
{
	if (hold_thread)
		kthread_stop_put(hold_thread);
	hold_thread = NULL;
}

static int bench_hold_set(const char *text, const struct kernel_param *kp)
{
	unsigned int wanted, tries;
	int ret = kstrtouint(text, 0, &wanted);
	struct task_struct *thread;

	if (ret)
		return ret;

	guard(mutex)(&hold_mutex);
	bench_release();
	if (!wanted)
		return 0;
	if (hold_over)
		return -ENODEV;
	thread = kthread_create(bench_wait_thread, NULL, "bench_wait");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	hold_thread = get_task_struct(thread);
	wake_up_process(thread);
	/* It is asleep in there before the writer goes on, unless bench_wait() is patched. */
	for (tries = 0; tries < 50; tries++) {
		msleep(20);
		if (READ_ONCE(thread->__state) == TASK_IDLE)
			return 0;
	}
	return -ETIMEDOUT;
}

static const struct kernel_param_ops bench_hold_ops = { .set = bench_hold_set };
module_param_cb(hold, &bench_hold_ops, NULL, 0200);

static int bench_held(char *buffer, const struct kernel_param *kp)
{
	guard(mutex)(&hold_mutex);
	if (!hold_thread)
		return -ESRCH;
	WRITE_ONCE(hold_asked, true);
	wake_up(&hold_queue);
	wait_event(hold_queue, !READ_ONCE(hold_asked));
	return bench_result_show(buffer, &hold_result);
}

static const struct kernel_param_ops bench_held_ops = { .get = bench_held };
module_param_cb(held, &bench_held_ops, NULL, 0400);

static int __init bench_target_init(void)
{
	return 0;
}
module_init(bench_target_init);

static void __exit bench_target_exit(void)
{
	guard(mutex)(&hold_mutex);
	hold_over = true;
	bench_release();
}
module_exit(bench_target_exit);

MODULE_DESCRIPTION("Functions to patch and a clock, for the livepatch benchmark");
MODULE_LICENSE("GPL");
