// SPDX-License-Identifier: GPL-2.0-only
/*
 * Patches the first functions of bench_target. Included by a file for each size, which defines
 * BENCH_PATCHED as the loop over the functions to patch.
 *
 *	/sys/module/bench_patch_N/parameters/began	the clock before klp_enable_patch()
 *	/sys/module/bench_patch_N/parameters/took	what klp_enable_patch() took
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/timex.h>

static ulong began;
module_param(began, ulong, 0444);
static ulong took;
module_param(took, ulong, 0444);

#define REPLACEMENT(n) static int bench_new_f##n(int x) { return x - (n); }
BENCH_PATCHED(REPLACEMENT)

#define ENTRY(n) { .old_name = "bench_f" #n, .new_func = bench_new_f##n, },
static struct klp_func funcs[] = {
	BENCH_PATCHED(ENTRY)
	{ }
};

static struct klp_object objs[] = {
	{ .name = "bench_target", .funcs = funcs, },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init bench_patch_init(void)
{
	int ret;

	began = get_cycles();
	ret = klp_enable_patch(&patch);
	took = get_cycles() - began;
	return ret;
}
module_init(bench_patch_init);

static void __exit bench_patch_exit(void)
{
}
module_exit(bench_patch_exit);

MODULE_DESCRIPTION("Livepatch of many functions, for the livepatch benchmark");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
