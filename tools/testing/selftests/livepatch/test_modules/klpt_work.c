// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does every call of a patched function get where it should?  kthreads on all CPUs call
 * klpt_work_do() all the time, with arguments in all registers and on the stack, and so do timers
 * that interrupt them. Each call is checked: it has been made once and by one function, the
 * arguments have arrived, and so has what was returned. klpt_work_pair() calls it twice; when it is
 * in a patch as a guard, the answers must be from one world.
 *
 * /proc/klpt_work
 *	write "start" or "stop"; shows
 *	calls, calls that were wrong, pairs of calls that were mixed, calls from interrupts
 *	calls that got to the original, to the livepatch 1, 2, 3 and 4
 */

#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/processor.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "klpt_lib.h"

#define PER_CPU		2
#define PERIOD_NS	(300 * NSEC_PER_USEC)

static int zero;
module_param(zero, int, 0400);
MODULE_PARM_DESC(zero, "added to what the original returns");

/* Somebody who calls: a kthread, or a timer. Written by that one, read by all. */
struct caller {
	struct klpt_work work;
	unsigned long calls;
	unsigned long wrong;
	unsigned long mixed;
};

struct worker {
	struct task_struct *task;
	struct hrtimer timer;
	struct caller thread, interrupt;
};

/* nr_workers of them, or NULL; work_mutex. */
static struct worker *workers;
static unsigned int nr_workers;
static DEFINE_MUTEX(work_mutex);

static klpt_func long klpt_work_do(struct klpt_work *work, long b, long c, long d, long e, long f,
				   long g)
{
	return klpt_work_ran(work, READ_ONCE(zero), b, c, d, e, f, g);
}

/* One call. Who answered: 0 to KLPT_IDS, or -1 when something is wrong. */
static int call_once(struct caller *caller)
{
	long n = ++caller->calls;
	unsigned long ran = 0;
	long ret, id;

	ret = klpt_work_do(&caller->work, n, n + 1, n + 2, n + 3, n + 4, n + 5);
	id = ret % 10;
	for (int i = 0; i <= KLPT_IDS; i++)
		ran += caller->work.ran[i];
	if (id <= KLPT_IDS && ret / 10 == 21 * n + 70 && caller->work.calls == caller->calls &&
	    ran == caller->calls)
		return id;
	caller->wrong++;
	return -1;
}

static klpt_func void klpt_work_pair(struct caller *caller)
{
	int first = call_once(caller);

	cpu_relax();
	if (call_once(caller) != first)
		caller->mixed++;
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct worker *worker = container_of(timer, struct worker, timer);

	klpt_work_pair(&worker->interrupt);
	hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

/* The timer runs on the CPU that it was started on, and so does this task. */
static int work(void *data)
{
	struct worker *worker = data;

	/* Makes way for scripts. */
	set_user_nice(current, MAX_NICE);
	hrtimer_start(&worker->timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_PINNED_HARD);
	while (!kthread_should_stop()) {
		klpt_work_pair(&worker->thread);
		cpu_relax();
		/* Or no handler of ftrace could ever be removed, see klpt_target_main.c. */
		cond_resched_tasks_rcu_qs();
	}
	hrtimer_cancel(&worker->timer);
	return 0;
}

static void stop(void)
{
	for (int i = 0; i < nr_workers; i++) {
		if (workers[i].task)
			kthread_stop(workers[i].task);
		workers[i].task = NULL;
	}
}

static int start_one(struct worker *worker, unsigned int cpu)
{
	struct task_struct *task;

	memset(worker, 0, sizeof(*worker));
	hrtimer_init(&worker->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	worker->timer.function = tick;
	task = kthread_create(work, worker, "klpt_work/%u", cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpu);
	worker->task = task;
	wake_up_process(task);
	return 0;
}

static int start(void)
{
	unsigned int cpu, n = 0;
	int ret = 0;

	stop();
	for_each_online_cpu(cpu) {
		for (int i = 0; i < PER_CPU && !ret && n < nr_workers; i++)
			ret = start_one(&workers[n++], cpu);
	}
	if (ret)
		stop();
	return ret;
}

static int work_show(struct seq_file *m, void *unused)
{
	unsigned long calls = 0, wrong = 0, mixed = 0, interrupts = 0, ran[KLPT_IDS + 1] = { };

	guard(mutex)(&work_mutex);
	for (int i = 0; i < 2 * nr_workers; i++) {
		struct worker *worker = &workers[i / 2];
		struct caller *caller = i % 2 ? &worker->interrupt : &worker->thread;

		calls += READ_ONCE(caller->calls);
		wrong += READ_ONCE(caller->wrong);
		mixed += READ_ONCE(caller->mixed);
		if (i % 2)
			interrupts += READ_ONCE(caller->calls);
		for (int id = 0; id <= KLPT_IDS; id++)
			ran[id] += READ_ONCE(caller->work.ran[id]);
	}
	seq_printf(m, "%lu %lu %lu %lu\n", calls, wrong, mixed, interrupts);
	for (int id = 0; id <= KLPT_IDS; id++)
		seq_printf(m, "%lu%c", ran[id], id == KLPT_IDS ? '\n' : ' ');
	return 0;
}

static int work_open(struct inode *inode, struct file *file)
{
	return single_open(file, work_show, NULL);
}

static ssize_t work_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char text[8] = { };

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;

	guard(mutex)(&work_mutex);
	if (sysfs_streq(text, "start"))
		return start() ?: count;
	if (!sysfs_streq(text, "stop"))
		return -EINVAL;
	stop();
	return count;
}

static const struct proc_ops work_ops = {
	.proc_open	= work_open,
	.proc_read	= seq_read,
	.proc_write	= work_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

static int __init klpt_work_init(void)
{
	nr_workers = PER_CPU * num_online_cpus();
	workers = kcalloc(nr_workers, sizeof(*workers), GFP_KERNEL);
	if (workers && proc_create(KBUILD_MODNAME, 0600, NULL, &work_ops))
		return 0;
	kfree(workers);
	return -ENOMEM;
}

static void __exit klpt_work_exit(void)
{
	remove_proc_entry(KBUILD_MODNAME, NULL);
	stop();
	kfree(workers);
}

module_init(klpt_work_init);
module_exit(klpt_work_exit);
MODULE_DESCRIPTION("Livepatch selftests: calls on all CPUs that check themselves");
MODULE_LICENSE("GPL");
