// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does any CPU keep others waiting? On each, a timer asks for an interrupt every so often
 * and, if that is wanted, has it wake a real-time thread. Keeps how late the latest of them were:
 * up to a period less than the longest stretch without interrupts or preemption, and more by the
 * way to the handler or the thread.
 *
 *	period		in ns
 *	threads		are there threads?
 *	irq		"NS FUNCTION" of the latest interrupt, and what it has interrupted
 *	thread		NS of the latest thread
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/irq_regs.h>
#include "klpt_compat.h"

static ulong period = 20 * NSEC_PER_USEC;
module_param(period, ulong, 0444);
static bool threads;
module_param(threads, bool, 0444);

/* Of one CPU. */
struct late {
	struct hrtimer timer;
	struct task_struct *thread;
	/* Written by its handler. */
	long irq;
	unsigned long ip;
	/* When the thread should run, by the handler; 0 once it does, by the thread. */
	ktime_t due;
	/* Written by its thread. */
	long thread_late;
};

static DEFINE_PER_CPU(struct late, late_cpus);

static int irq_show(char *buffer, const struct kernel_param *kp)
{
	struct late *late, *latest = NULL;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		late = per_cpu_ptr(&late_cpus, cpu);
		if (!latest || latest->irq < late->irq)
			latest = late;
	}
	return sysfs_emit(buffer, "%ld %pS\n", latest->irq, (void *)latest->ip);
}

static int thread_show(char *buffer, const struct kernel_param *kp)
{
	unsigned int cpu;
	long latest = 0;

	for_each_online_cpu(cpu)
		latest = max(latest, per_cpu_ptr(&late_cpus, cpu)->thread_late);
	return sysfs_emit(buffer, "%ld\n", latest);
}

static const struct kernel_param_ops irq_ops = { .get = irq_show };
module_param_cb(irq, &irq_ops, NULL, 0400);
static const struct kernel_param_ops thread_ops = { .get = thread_show };
module_param_cb(thread, &thread_ops, NULL, 0400);

static enum hrtimer_restart late_interrupt(struct hrtimer *timer)
{
	struct late *late = container_of(timer, struct late, timer);
	ktime_t now = hrtimer_cb_get_time(timer), due = hrtimer_get_expires(timer);
	long behind = ktime_sub(now, due);

	if (late->irq < behind) {
		late->irq = behind;
		late->ip = instruction_pointer(get_irq_regs());
	}
	if (late->thread && !READ_ONCE(late->due)) {
		WRITE_ONCE(late->due, due);
		wake_up_process(late->thread);
	}
	hrtimer_forward(timer, now, ns_to_ktime(period));
	return HRTIMER_RESTART;
}

static int late_thread(void *arg)
{
	struct late *late = arg;
	ktime_t due;

	sched_set_fifo(current);
	for (;;) {
		set_current_state(TASK_IDLE);
		due = READ_ONCE(late->due);
		if (due) {
			late->thread_late = max_t(long, late->thread_late,
						  ktime_sub(ktime_get(), due));
			WRITE_ONCE(late->due, 0);
		}
		if (kthread_should_stop())
			break;
		if (!due)
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void late_start(void *unused)
{
	struct late *late = this_cpu_ptr(&late_cpus);

	hrtimer_setup(&late->timer, late_interrupt, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&late->timer, ns_to_ktime(period), HRTIMER_MODE_REL_PINNED_HARD);
}

static void late_end(void)
{
	struct late *late;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		late = per_cpu_ptr(&late_cpus, cpu);
		if (late->timer.function)
			hrtimer_cancel(&late->timer);
		if (late->thread)
			kthread_stop(late->thread);
	}
}

static int __init bench_late_init(void)
{
	struct task_struct *thread;
	struct late *late;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (!threads)
			break;
		late = per_cpu_ptr(&late_cpus, cpu);
		thread = kthread_run_on_cpu(late_thread, late, cpu, "bench_late/%u");
		if (IS_ERR(thread)) {
			late_end();
			return PTR_ERR(thread);
		}
		late->thread = thread;
	}
	on_each_cpu(late_start, NULL, 1);
	return 0;
}
module_init(bench_late_init);

static void __exit bench_late_exit(void)
{
	late_end();
}
module_exit(bench_late_exit);

MODULE_DESCRIPTION("How long CPUs keep others waiting, for the livepatch benchmark");
MODULE_LICENSE("GPL");
