// SPDX-License-Identifier: GPL-2.0-only
/*
 * What do shadow variables cost when all CPUs are at it?  Its init measures: a thread on each CPU
 * calls the same function for objects of its own, CALLS times; the best of ROUNDS counts, since the
 * kernel may do something else as well.
 *
 *	/sys/module/bench_cpus/parameters/NAME	"NS CALLS" for alloc, get, free
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include "bench.h"

#define CALLS	20000
#define ROUNDS	7
#define ID	0x62656e64UL
#define STRIDE	64

static struct bench_result alloc, get, free;

module_param_cb(alloc, &bench_result_ops, &alloc, 0444);
module_param_cb(get, &bench_result_ops, &get, 0444);
module_param_cb(free, &bench_result_ops, &free, 0444);

/* Nobody looks into an object; only where it is counts. */
static void *object(unsigned int cpu, unsigned int i)
{
	return (void *)(PAGE_OFFSET + (256UL << 20) + (cpu * CALLS + i) * (unsigned long)STRIDE);
}

static bool call_alloc(void *obj)
{
	return klp_shadow_alloc(obj, ID, sizeof(long), GFP_KERNEL, NULL, NULL);
}

static bool call_get(void *obj)
{
	return klp_shadow_get(obj, ID);
}

static bool call_free(void *obj)
{
	klp_shadow_free(obj, ID, NULL);
	return true;
}

/* What the threads of a round do; set before they start. */
static bool (*cpus_call)(void *obj);
static atomic_t cpus_left;
static atomic_t cpus_failed;
static DECLARE_COMPLETION(cpus_done);

static int cpus_thread(void *unused)
{
	/* It is bound to this one. */
	unsigned int cpu = raw_smp_processor_id();
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		if (!cpus_call(object(cpu, i)))
			atomic_inc(&cpus_failed);
	}
	if (atomic_dec_and_test(&cpus_left))
		complete(&cpus_done);
	return 0;
}

static struct task_struct *cpus_threads[NR_CPUS];

/* Waits until they have left the text of this module. */
static void cpus_stop(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (cpus_threads[cpu])
			kthread_stop_put(cpus_threads[cpu]);
		cpus_threads[cpu] = NULL;
	}
}

/* The time until the last has done its calls. */
static int cpus_round(bool (*call)(void *obj), struct bench_result *result)
{
	unsigned long took;
	unsigned int cpu;
	ktime_t start;

	cpus_call = call;
	atomic_set(&cpus_left, num_online_cpus());
	reinit_completion(&cpus_done);
	for_each_online_cpu(cpu) {
		struct task_struct *task = kthread_create_on_cpu(cpus_thread, NULL, cpu,
								 "bench_cpus/%u");

		if (IS_ERR(task)) {
			cpus_stop();
			return PTR_ERR(task);
		}
		cpus_threads[cpu] = get_task_struct(task);
	}

	start = ktime_get();
	for_each_online_cpu(cpu)
		wake_up_process(cpus_threads[cpu]);
	wait_for_completion(&cpus_done);
	took = ktime_to_ns(ktime_sub(ktime_get(), start));
	cpus_stop();
	if (!result->total || result->total > took)
		result->total = took;
	result->calls = CALLS * num_online_cpus();
	return 0;
}

static int __init bench_cpus_init(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ROUNDS; i++) {
		ret = cpus_round(call_alloc, &alloc);
		ret = ret ?: cpus_round(call_get, &get);
		ret = ret ?: cpus_round(call_free, &free);
	}
	klp_shadow_free_all(ID, NULL);
	if (!ret && atomic_read(&cpus_failed))
		ret = -EIO;
	return ret;
}
module_init(bench_cpus_init);

static void __exit bench_cpus_exit(void)
{
	rcu_barrier();
}
module_exit(bench_cpus_exit);

MODULE_DESCRIPTION("Shadow variables on all CPUs, for the livepatch benchmark");
MODULE_LICENSE("GPL");
