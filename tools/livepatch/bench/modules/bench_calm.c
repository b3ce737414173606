// SPDX-License-Identifier: GPL-2.0-only
/*
 * Patches the function of bench_busy and tells when the transition has ended: its callback runs
 * then, in the stock livepatch as in ours.
 *
 *	/sys/module/bench_calm/parameters/began		the clock before klp_enable_patch()
 *	/sys/module/bench_calm/parameters/returned	the clock after it
 *	/sys/module/bench_calm/parameters/settled	the clock in post_patch, 0 before that
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/timex.h>

static ulong began;
module_param(began, ulong, 0444);
static ulong returned;
module_param(returned, ulong, 0444);
static ulong settled;
module_param(settled, ulong, 0444);

static void bench_calm_work(void)
{
}

static void bench_calm_post_patch(struct klp_object *obj)
{
	settled = get_cycles();
}

static struct klp_func funcs[] = {
	{ .old_name = "bench_busy_work", .new_func = bench_calm_work, },
	{ }
};

static struct klp_object objs[] = {
	{ .name = "bench_busy", .funcs = funcs, .callbacks.post_patch = bench_calm_post_patch, },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init bench_calm_init(void)
{
	int ret;

	began = get_cycles();
	ret = klp_enable_patch(&patch);
	returned = get_cycles();
	return ret;
}
module_init(bench_calm_init);

static void __exit bench_calm_exit(void)
{
}
module_exit(bench_calm_exit);

MODULE_DESCRIPTION("Livepatch of a function that is in use, for the livepatch benchmark");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
