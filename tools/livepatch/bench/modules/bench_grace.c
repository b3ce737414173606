// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often is there a wait for all others? Counts calls of the functions that make a grace period
 * of RCU-tasks, wait for one of RCU, or go through the CPUs for livepatch. On one CPU, where the
 * last are as many in the stock livepatch, in which klp_sync() is what runs on each.
 *
 *	/sys/module/bench_grace/parameters/count
 */
#include <linux/atomic.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/string.h>

static char *const waits[] = {
	"rcu_tasks_wait_gp",
	"rcu_tasks_rude_wait_gp",
	"synchronize_rcu",
	"synchronize_rcu_expedited",
	"klp_sync",
};

static atomic_t count;

static int grace_show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&count));
}

static const struct kernel_param_ops grace_ops = { .get = grace_show };
module_param_cb(count, &grace_ops, NULL, 0444);

static void notrace grace_note(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	atomic_inc(&count);
}

static struct ftrace_ops trace_ops = { .func = grace_note };

static int __init bench_grace_init(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(waits); i++)
		ret = ftrace_set_filter(&trace_ops, waits[i], strlen(waits[i]), !i);
	return ret ?: register_ftrace_function(&trace_ops);
}
module_init(bench_grace_init);

static void __exit bench_grace_exit(void)
{
	unregister_ftrace_function(&trace_ops);
}
module_exit(bench_grace_exit);

MODULE_DESCRIPTION("Counts grace periods, for the livepatch benchmark");
MODULE_LICENSE("GPL");
