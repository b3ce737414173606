// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that do nothing but sleep, "depth" calls deep, for a transition to have something to look
 * at. All of them are asleep when the module has been loaded.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

static uint count;
module_param(count, uint, 0444);
static uint depth;
module_param(depth, uint, 0444);

static struct task_struct **threads;

static noinline void threads_sleep(unsigned int below)
{
	if (below) {
		threads_sleep(below - 1);
		/* No tail call. */
		barrier();
		return;
	}
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static int threads_run(void *unused)
{
	threads_sleep(depth);
	return 0;
}

static void threads_stop(void)
{
	unsigned int i;

	for (i = 0; i < count && threads[i]; i++) {
		kthread_stop(threads[i]);
		cond_resched();
	}
	kvfree(threads);
}

static int __init bench_threads_init(void)
{
	unsigned int i;

	threads = kvcalloc(count, sizeof(*threads), GFP_KERNEL);
	if (!threads)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		struct task_struct *task = kthread_run(threads_run, NULL, "bench_threads");

		if (IS_ERR(task)) {
			threads_stop();
			return PTR_ERR(task);
		}
		threads[i] = task;
	}
	for (i = 0; i < count; i++) {
		while (READ_ONCE(threads[i]->__state) != TASK_IDLE)
			msleep(20);
	}
	return 0;
}
module_init(bench_threads_init);

static void __exit bench_threads_exit(void)
{
	threads_stop();
}
module_exit(bench_threads_exit);

MODULE_DESCRIPTION("Threads that sleep, for the livepatch benchmark");
MODULE_LICENSE("GPL");
