// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Functions with code behind them that belongs to nobody: a weak function of one file that another
 * file overrides leaves its code and its place for ftrace, but no symbol. Built twice, as klpt_weak
 * and, with functions that begin with their place for ftrace, as klpt_plain.
 *
 * The parameters f and g show what eight functions each return: 0, or the number of a livepatch.
 * They are called by name only: those of klpt_plain are no target of indirect calls.
 */

#include <linux/module.h>
#include <linux/sysfs.h>
#include "klpt_weak.h"

static int f_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d %d %d %d %d %d %d %d\n", klpt_f1(), klpt_f2(), klpt_f3(),
			  klpt_f4(), klpt_f5(), klpt_f6(), klpt_f7(), klpt_f8());
}

static const struct kernel_param_ops f_ops = { .get = f_get };
module_param_cb(f, &f_ops, NULL, 0400);
MODULE_PARM_DESC(f, "what the functions of the first file return");

static int g_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d %d %d %d %d %d %d %d\n", klpt_g1(), klpt_g2(), klpt_g3(),
			  klpt_g4(), klpt_g5(), klpt_g6(), klpt_g7(), klpt_g8());
}

static const struct kernel_param_ops g_ops = { .get = g_get };
module_param_cb(g, &g_ops, NULL, 0400);
MODULE_PARM_DESC(g, "what those of the second file return");

static int mute_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", L0klpt_mute());
}

static const struct kernel_param_ops mute_ops = { .get = mute_get };
module_param_cb(mute, &mute_ops, NULL, 0400);
MODULE_PARM_DESC(mute, "what the function returns that ftrace does not divert");

MODULE_DESCRIPTION("Livepatch selftests: weak functions that were overridden");
MODULE_LICENSE("GPL");
