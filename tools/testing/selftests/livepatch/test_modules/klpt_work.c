// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does every call of a patched function get where it should?  kthreads on all CPUs call
 * klpt_work_do() all the time, with arguments in all registers and on the stack, and so do timers
 * that interrupt them, and NMIs if they are asked for. Each call is checked: it has been made once
 * and by one function, the arguments have arrived, and so has what was returned. klpt_work_pair()
 * calls it twice; when it is in a patch as a guard, the answers must be from one world.
 *
 * /proc/klpt_work
 *	write "start" or "stop"; shows
 *	calls, calls that were wrong, pairs of calls that were mixed, calls from interrupts
 *	calls that got to the original, to the livepatch 1, 2, 3 and 4
 *	calls from NMIs, NMIs that came between the addresses nmi_from and nmi_to
 */

#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#ifdef CONFIG_X86_LOCAL_APIC
#include <asm/apic.h>
#include <asm/nmi.h>
#endif
#include "klpt_compat.h"
#include "klpt_lib.h"

#define PER_CPU		2

static int zero;
module_param(zero, int, 0400);
MODULE_PARM_DESC(zero, "added to what the original returns");

static uint period = 300;
module_param(period, uint, 0400);
MODULE_PARM_DESC(period, "microseconds between two interrupts by one timer");

static uint nap;
module_param(nap, uint, 0400);
MODULE_PARM_DESC(nap, "microseconds that a kthread sleeps between two pairs of calls, about");

static bool nmi;
module_param(nmi, bool, 0400);
MODULE_PARM_DESC(nmi, "have CPUs send each other NMIs");

static ulong nmi_from, nmi_to;
module_param(nmi_from, ulong, 0400);
module_param(nmi_to, ulong, 0400);
MODULE_PARM_DESC(nmi_from, "address from which NMIs are counted that interrupt what is there");
MODULE_PARM_DESC(nmi_to, "address up to which they are");

/* Somebody who calls: a kthread, a timer, or NMIs. Written by that one, read by all. */
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

/* What NMIs call, which so come to another function than what they interrupt: returns 10 more. */
static klpt_func long klpt_work_nmi(struct klpt_work *work, long b, long c, long d, long e, long f,
				    long g)
{
	return klpt_work_ran(work, READ_ONCE(zero), b, c, d, e, f, g) + 10;
}

/* One call. Who answered: 0 to KLPT_IDS, or -1 when something is wrong. */
static int call_once(struct caller *caller)
{
	unsigned long ran = 0;
	long n, ret, id;

	klpt_count(&caller->calls);
	n = caller->calls;
	if (in_nmi())
		ret = klpt_work_nmi(&caller->work, n, n + 1, n + 2, n + 3, n + 4, n + 5) - 10;
	else
		ret = klpt_work_do(&caller->work, n, n + 1, n + 2, n + 3, n + 4, n + 5);
	id = ret % 10;
	for (int i = 0; i <= KLPT_IDS; i++)
		ran += caller->work.ran[i];
	if (id <= KLPT_IDS && ret / 10 == 21 * n + 70 && caller->work.calls == caller->calls &&
	    ran == caller->calls)
		return id;
	klpt_count(&caller->wrong);
	return -1;
}

/*
 * Let another CPU go on. The emulated CPUs of QEMU take turns, and always here if they meet this;
 * then an NMI from another one comes here, too, and never in the middle of a call.
 */
static void relax(void)
{
	if (!nmi)
		cpu_relax();
}

static klpt_func void klpt_work_pair(struct caller *caller)
{
	int first = call_once(caller);

	relax();
	if (call_once(caller) != first)
		klpt_count(&caller->mixed);
}

/* On each CPU; written by NMIs there, read by all. */
static DEFINE_PER_CPU(struct caller, nmi_caller);
static DEFINE_PER_CPU(unsigned long, nmi_hits);

#ifdef CONFIG_X86_LOCAL_APIC
/* An NMI of ours is on its way to this CPU. */
static DEFINE_PER_CPU(atomic_t, nmi_sent);

static int nmi_come(unsigned int type, struct pt_regs *regs)
{
	if (!atomic_xchg(this_cpu_ptr(&nmi_sent), 0))
		return NMI_DONE;
	if (regs->ip >= nmi_from && regs->ip < nmi_to)
		this_cpu_inc(nmi_hits);
	klpt_work_pair(this_cpu_ptr(&nmi_caller));
	return NMI_HANDLED;
}

/* To another CPU, which may be anywhere: this one is in an interrupt. */
static void nmi_send(void)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());

	if (nmi && cpu < nr_cpu_ids && !atomic_xchg(per_cpu_ptr(&nmi_sent, cpu), 1))
		apic->send_IPI(cpu, NMI_VECTOR);
}

/* Nobody sends any more: wait for the last ones. */
static void nmi_wait(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		while (atomic_read(per_cpu_ptr(&nmi_sent, cpu)))
			schedule_timeout_uninterruptible(1);
	}
}

static int nmi_init(void)
{
	return nmi ? register_nmi_handler(NMI_LOCAL, nmi_come, 0, KBUILD_MODNAME) : 0;
}

static void nmi_exit(void)
{
	if (nmi)
		unregister_nmi_handler(NMI_LOCAL, KBUILD_MODNAME);
}
#else
static void nmi_send(void)
{
}

static void nmi_wait(void)
{
}

static int nmi_init(void)
{
	return nmi ? -EOPNOTSUPP : 0;
}

static void nmi_exit(void)
{
}
#endif

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct worker *worker = container_of(timer, struct worker, timer);

	klpt_work_pair(&worker->interrupt);
	nmi_send();
	hrtimer_forward_now(timer, ns_to_ktime(period * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

/* The timer runs on the CPU that it was started on, and so does this task. */
static int work(void *data)
{
	struct worker *worker = data;

	/* Makes way for scripts. */
	set_user_nice(current, MAX_NICE);
	hrtimer_start(&worker->timer, ns_to_ktime(period * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED_HARD);
	while (!kthread_should_stop()) {
		klpt_work_pair(&worker->thread);
		relax();
		if (nap)
			usleep_range(nap, 2 * nap);
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
	nmi_wait();
}

static int start_one(struct worker *worker, unsigned int cpu)
{
	struct task_struct *task;

	memset(worker, 0, sizeof(*worker));
	hrtimer_setup(&worker->timer, tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
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
	for_each_possible_cpu(cpu) {
		memset(per_cpu_ptr(&nmi_caller, cpu), 0, sizeof(struct caller));
		per_cpu(nmi_hits, cpu) = 0;
	}
	for_each_online_cpu(cpu) {
		for (int i = 0; i < PER_CPU && !ret && n < nr_workers; i++)
			ret = start_one(&workers[n++], cpu);
	}
	if (ret)
		stop();
	return ret;
}

/* Add what a caller has seen; how many calls. */
static unsigned long add(struct caller *sum, const struct caller *caller)
{
	unsigned long calls = READ_ONCE(caller->calls);

	sum->calls += calls;
	sum->wrong += READ_ONCE(caller->wrong);
	sum->mixed += READ_ONCE(caller->mixed);
	for (int id = 0; id <= KLPT_IDS; id++)
		sum->work.ran[id] += READ_ONCE(caller->work.ran[id]);
	return calls;
}

static int work_show(struct seq_file *m, void *unused)
{
	unsigned long interrupts = 0, nmis = 0, hits = 0;
	struct caller sum = { };
	unsigned int cpu;

	guard(mutex)(&work_mutex);
	for (int i = 0; i < nr_workers; i++) {
		add(&sum, &workers[i].thread);
		interrupts += add(&sum, &workers[i].interrupt);
	}
	for_each_possible_cpu(cpu) {
		nmis += add(&sum, per_cpu_ptr(&nmi_caller, cpu));
		hits += READ_ONCE(per_cpu(nmi_hits, cpu));
	}
	seq_printf(m, "%lu %lu %lu %lu\n", sum.calls, sum.wrong, sum.mixed, interrupts);
	for (int id = 0; id <= KLPT_IDS; id++)
		seq_printf(m, "%lu%c", sum.work.ran[id], id == KLPT_IDS ? '\n' : ' ');
	seq_printf(m, "%lu %lu\n", nmis, hits);
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
	int ret;

	nr_workers = PER_CPU * num_online_cpus();
	workers = kcalloc(nr_workers, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return -ENOMEM;
	ret = nmi_init();
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	if (!proc_create(KBUILD_MODNAME, 0600, NULL, &work_ops))
		goto err_nmi;
	return 0;

err_nmi:
	nmi_exit();
err_free:
	kfree(workers);
	return ret;
}

static void __exit klpt_work_exit(void)
{
	remove_proc_entry(KBUILD_MODNAME, NULL);
	stop();
	nmi_exit();
	kfree(workers);
}

module_init(klpt_work_init);
module_exit(klpt_work_exit);
MODULE_DESCRIPTION("Livepatch selftests: calls on all CPUs that check themselves");
MODULE_LICENSE("GPL");
