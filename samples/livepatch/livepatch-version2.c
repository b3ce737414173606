// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-version2 - corrects version 1 of the series, and has the same state
 *
 * No callback is called when one of the two takes the place of the other: the count is handed over,
 * and it is freed by whoever has it when it goes. What to type is in livepatch-version1.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "livepatch-version.h"

static struct klp_patch version_patch;

/* "read 1 times" was not English. */
static int sample_version_show(struct seq_file *m, void *v)
{
	int count = count_read(&version_patch);

	seq_printf(m, "version 2, read %d time%s\n", count, count == 1 ? "" : "s");
	return 0;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "version_proc_show", .new_func = sample_version_show },
	{ }
};

static struct klp_object version_objs[] = {
	{ .funcs = vmlinux_funcs },
	{ }
};

static struct klp_state version_states[] = {
	{ .id = COUNT },
	{ }
};

static const struct klp_state_ops version_state_ops[] = {
	COUNT_OPS,
	{ }
};

static struct klp_patch version_patch = {
	.mod = THIS_MODULE,
	.objs = version_objs,
	.states = version_states,
	.state_ops = version_state_ops,
	.replace = true,
};

static int __init version_init(void)
{
	return klp_enable_patch(&version_patch);
}

static void __exit version_exit(void)
{
}

module_init(version_init);
module_exit(version_exit);
MODULE_DESCRIPTION("Livepatch sample: version 2 of a series");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
