// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rest of a livepatch; included by the files that ../build-modules writes, after their list of
 * objects, bench_objs. The last function of the first object is bench_wait() of bench_target, or
 * nothing.
 *
 *	replace		is the patch cumulative?
 *	set		the replace set, for a kernel that has them
 *	blocked		is bench_wait() patched as well? Then a thread in it holds the transition.
 *	enable		0: do nothing at all
 *	began		the clock before klp_enable_patch()
 *	took		what klp_enable_patch() took
 *	settled		the clock in post_patch of the first object, 0 before
 */
#include <linux/timex.h>

static uint replace;
module_param(replace, uint, 0444);
static uint set;
module_param(set, uint, 0444);
static uint blocked;
module_param(blocked, uint, 0444);
static uint enable = 1;
module_param(enable, uint, 0444);
static ulong began;
module_param(began, ulong, 0444);
static ulong took;
module_param(took, ulong, 0444);
static ulong settled;
module_param(settled, ulong, 0444);

static void bench_post_patch(struct klp_object *obj)
{
	settled = get_cycles();
}

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = bench_objs,
};

/* It is built with stock's headers, where a hole follows the last member that authors set. */
static void __init bench_set(void)
{
	*(unsigned int *)PTR_ALIGN((char *)(&patch.replace + 1), sizeof(set)) = set;
}

/* Without bench_wait(); an object of which nothing is left is no object. */
static void __init bench_unblock(void)
{
	struct klp_func *func = bench_objs[0].funcs;

	while (func->old_name && strcmp(func->old_name, "bench_wait"))
		func++;
	if (func->old_name)
		memset(func, 0, sizeof(*func));
	if (func == bench_objs[0].funcs)
		memset(&bench_objs[0], 0, sizeof(bench_objs[0]));
}

static int __init bench_patch_init(void)
{
	int ret;

	if (!enable)
		return 0;
	patch.replace = replace;
	bench_set();
	if (!blocked)
		bench_unblock();
	bench_objs[0].callbacks.post_patch = bench_post_patch;

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
