// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch whose replacement calls the original by its name, as somebody would who wants to wrap
 * it. Reading the parameter "depth" makes one call, and tells how deep the replacement was entered;
 * at the depth that was asked for, it calls no further.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include "klpt_lib.h"

static int most = 8;
module_param(most, int, 0400);
MODULE_PARM_DESC(most, "where the replacement returns without a call");

static int depth;

/* Reading is done under the lock of the module's parameters. */
static bool klpt_again(void)
{
	return ++depth < most ? klpt_exit_held() : false;
}

static int depth_get(char *buffer, const struct kernel_param *kp)
{
	depth = 0;
	klpt_exit_held();
	return sysfs_emit(buffer, "%d\n", depth);
}

static const struct kernel_param_ops depth_ops = { .get = depth_get };
module_param_cb(depth, &depth_ops, NULL, 0400);
MODULE_PARM_DESC(depth, "how deep the replacement was entered in one call");

static struct klp_func funcs[] = {
	{ .old_name = "klpt_exit_held", .new_func = klpt_again },
	{ }
};

static struct klp_object objs[] = {
	{ .name = "klpt_lib", .funcs = funcs },
	{ }
};

static struct klp_patch again = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init again_init(void)
{
	return klp_enable_patch(&again);
}

static void __exit again_exit(void)
{
}

module_init(again_init);
module_exit(again_exit);
MODULE_DESCRIPTION("Livepatch selftest: a replacement that calls the original");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
