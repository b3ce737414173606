// SPDX-License-Identifier: GPL-2.0-only
/*
 * What do shadow variables cost, when there are "count" of them?  Its init measures, so one load
 * for each count. Under QEMU's -icount shift=0 the time stamp counter counts guest instructions.
 *
 * /sys/module/bench_shadow/parameters/NAME says how many instructions for how many calls:
 *
 *	get		find one
 *	miss		find that there is none
 *	alloc		add one to those that are there
 *	free		take one of those away again
 *	free_all	once: CALLS variables of an id, beside those of another
 *	fill		alloc, from none to all, with whatever is done for it in the background
 */
#include <linux/irqflags.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/timex.h>
#include "bench.h"

#define CALLS	1000
#define ID	0x62656e63UL
#define SIZE	8

/* Objects as a slab cache hands them out: 64 bytes each, one behind the other. */
#define STRIDE	64

static uint count;
module_param(count, uint, 0444);

/* Instructions, for how many calls. */
static struct bench_result get, miss, alloc, free, free_all, fill;
module_param_cb(get, &bench_result_ops, &get, 0444);
module_param_cb(miss, &bench_result_ops, &miss, 0444);
module_param_cb(alloc, &bench_result_ops, &alloc, 0444);
module_param_cb(free, &bench_result_ops, &free, 0444);
module_param_cb(free_all, &bench_result_ops, &free_all, 0444);
module_param_cb(fill, &bench_result_ops, &fill, 0444);

/* Nobody looks into an object; only where it is counts. */
static void *object(unsigned int i)
{
	return (void *)(PAGE_OFFSET + (256UL << 20) + (unsigned long)i * STRIDE);
}

/* Which one to take next: all over the place. */
static unsigned int pick(unsigned int i)
{
	return (i * 2654435761ULL >> 7) % count;
}

static void *failed;

static void call_nothing(unsigned int i)
{
	OPTIMIZER_HIDE_VAR(i);
}

static void call_get(unsigned int i)
{
	if (!klp_shadow_get(object(pick(i)), ID))
		failed = "get";
}

static void call_pick(unsigned int i)
{
	void *obj = object(pick(i));

	OPTIMIZER_HIDE_VAR(obj);
	if (!obj)
		failed = "pick";
}

static void call_miss(unsigned int i)
{
	if (klp_shadow_get(object(pick(i)), ID + 1))
		failed = "miss";
}

static void call_alloc(unsigned int i)
{
	if (!klp_shadow_alloc(object(count + i), ID + 1, SIZE, GFP_ATOMIC, NULL, NULL))
		failed = "alloc";
}

static void call_free(unsigned int i)
{
	klp_shadow_free(object(count + i), ID + 1, NULL);
}

/* Once; the other calls cost as much as nothing. */
static void call_free_all(unsigned int i)
{
	if (!i)
		klp_shadow_free_all(ID + 1, NULL);
}

/* What CALLS calls of @call take beyond those of @base. No interrupt is to be counted. */
static struct bench_result measure(void (*call)(unsigned int i), void (*base)(unsigned int i))
{
	struct bench_result result = { .calls = CALLS };
	unsigned long flags;
	u64 start, middle, end;
	unsigned int i;

	local_irq_save(flags);
	start = get_cycles();
	for (i = 0; i < CALLS; i++)
		call(i);
	middle = get_cycles();
	for (i = 0; i < CALLS; i++)
		base(i);
	end = get_cycles();
	local_irq_restore(flags);
	result.total = middle - start - (end - middle);
	return result;
}

static int __init bench_shadow_init(void)
{
	unsigned int i;
	u64 start;

	if (!count)
		return -EINVAL;

	start = get_cycles();
	for (i = 0; i < count; i++) {
		if (!klp_shadow_alloc(object(i), ID, SIZE, GFP_KERNEL, NULL, NULL))
			failed = "fill";
		cond_resched();
	}
	fill.total = get_cycles() - start;
	fill.calls = count;

	/* What is done in the background ends before the measuring begins. */
	schedule_timeout_uninterruptible(HZ);

	get = measure(call_get, call_pick);
	miss = measure(call_miss, call_pick);
	alloc = measure(call_alloc, call_nothing);
	free = measure(call_free, call_nothing);
	schedule_timeout_uninterruptible(HZ);
	measure(call_alloc, call_nothing);
	free_all = measure(call_free_all, call_nothing);
	free_all.calls = 1;
	if (klp_shadow_get(object(count), ID + 1))
		failed = "free_all";

	klp_shadow_free_all(ID, NULL);
	if (!failed)
		return 0;
	pr_err("bench_shadow: %s failed\n", (char *)failed);
	return -EIO;
}
module_init(bench_shadow_init);

static void __exit bench_shadow_exit(void)
{
	rcu_barrier();
}
module_exit(bench_shadow_exit);

MODULE_DESCRIPTION("Shadow variables, for the livepatch benchmark");
MODULE_LICENSE("GPL");
