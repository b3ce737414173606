// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does who hold tasklist_lock for reading? Traces the calls that take and give it back, on
 * a machine with one CPU, and keeps the longest time for each place it was taken at. The address of
 * the lock is a parameter, since it is not exported. Also makes threads that do nothing but sleep,
 * for whoever goes through the list to have something to do.
 *
 *	/sys/module/bench_hold/parameters/longest	"TIME FUNCTION", a line for each place
 */
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timex.h>

#define HOLD_PLACES 64

static ulong lock;
module_param(lock, ulong, 0400);
MODULE_PARM_DESC(lock, "address of tasklist_lock");

static uint threads;
module_param(threads, uint, 0400);
MODULE_PARM_DESC(threads, "how many threads to make");

/* With preemption off, on the only CPU; interrupts do not take this lock. */
static struct {
	unsigned long ip;
	u64 longest;
} hold_place[HOLD_PLACES];
static unsigned long hold_ip;
static u64 hold_since;

static void notrace hold_note(unsigned long ip, u64 time)
{
	unsigned int i;

	for (i = 0; i < HOLD_PLACES; i++) {
		if (!hold_place[i].ip)
			hold_place[i].ip = ip;
		if (hold_place[i].ip != ip)
			continue;
		if (hold_place[i].longest < time)
			hold_place[i].longest = time;
		return;
	}
}

static void notrace hold_taken(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	if (ftrace_regs_get_argument(fregs, 0) != lock)
		return;
	hold_ip = parent_ip;
	hold_since = get_cycles();
}

static void notrace hold_given(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	if (ftrace_regs_get_argument(fregs, 0) != lock || !hold_ip)
		return;
	hold_note(hold_ip, get_cycles() - hold_since);
	hold_ip = 0;
}

static int hold_show(char *buffer, const struct kernel_param *kp)
{
	int i, len = 0;

	for (i = 0; i < HOLD_PLACES && hold_place[i].ip; i++)
		len += sysfs_emit_at(buffer, len, "%llu %ps\n", hold_place[i].longest,
				     (void *)hold_place[i].ip);
	return len;
}

static const struct kernel_param_ops hold_ops = { .get = hold_show };
module_param_cb(longest, &hold_ops, NULL, 0400);

static struct ftrace_ops taken_ops = { .func = hold_taken, .flags = FTRACE_OPS_FL_RECURSION };
static struct ftrace_ops given_ops = { .func = hold_given, .flags = FTRACE_OPS_FL_RECURSION };

static int hold_trace(struct ftrace_ops *ops, char *function)
{
	int ret = ftrace_set_filter(ops, function, strlen(function), 1);

	return ret ?: register_ftrace_function(ops);
}

static struct task_struct **hold_threads;

static int hold_sleep(void *unused)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void hold_stop_threads(void)
{
	unsigned int i;

	for (i = 0; i < threads && hold_threads[i]; i++)
		kthread_stop(hold_threads[i]);
	kvfree(hold_threads);
}

static int hold_make_threads(void)
{
	unsigned int i;

	hold_threads = kvcalloc(threads, sizeof(*hold_threads), GFP_KERNEL);
	if (!hold_threads)
		return -ENOMEM;
	for (i = 0; i < threads; i++) {
		struct task_struct *task = kthread_run(hold_sleep, NULL, "bench_hold");

		if (IS_ERR(task)) {
			hold_stop_threads();
			return PTR_ERR(task);
		}
		hold_threads[i] = task;
	}
	return 0;
}

static int __init bench_hold_init(void)
{
	int ret = hold_make_threads();

	if (ret)
		return ret;
	ret = hold_trace(&taken_ops, "_raw_read_lock");
	if (ret)
		goto stop;
	ret = hold_trace(&given_ops, "_raw_read_unlock");
	if (!ret)
		return 0;
	unregister_ftrace_function(&taken_ops);
stop:
	hold_stop_threads();
	return ret;
}
module_init(bench_hold_init);

static void __exit bench_hold_exit(void)
{
	unregister_ftrace_function(&given_ops);
	unregister_ftrace_function(&taken_ops);
	hold_stop_threads();
}
module_exit(bench_hold_exit);

MODULE_DESCRIPTION("How long tasklist_lock is held, for the livepatch benchmark");
MODULE_LICENSE("GPL");
