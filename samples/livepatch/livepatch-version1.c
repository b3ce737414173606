// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-version1 - a cumulative patch that can follow, and be followed by, its other versions
 *
 * See livepatch-version.h for what the versions have. Up:
 *
 *	# insmod livepatch-version1.ko
 *	# cat /proc/version; cat /proc/version
 *	version 1, read 1 times
 *	version 1, read 2 times
 *	# insmod livepatch-version2.ko
 *	# cat /proc/version
 *	version 2, read 3 times			the count was handed over
 *	# insmod livepatch-version4.ko		no need to go by version 3
 *	# cat /proc/version; cat /proc/livepatch_version
 *	version 4, read 4 times
 *	version 4, /proc/version was read 4 times
 *
 * And down, to a version that knows nothing of this file:
 *
 *	# rmmod livepatch_version1 livepatch_version2
 *	# insmod livepatch-version1.ko
 *	# dmesg | tail				among the messages of livepatch
 *	livepatch_version4: pre_unpatch: /proc/livepatch_version goes
 *	# cat /proc/version; cat /proc/livepatch_version
 *	version 1, read 5 times
 *	cat: /proc/livepatch_version: No such file or directory
 *	# rmmod livepatch_version4
 *	# echo 0 > /sys/kernel/livepatch/livepatch_version1/enabled
 *	# dmesg | tail
 *	livepatch_version1: post_unpatch: the count ends at 5
 *
 * It was version 4 that took its file away, so version 1 need not know of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "livepatch-version.h"

static struct klp_patch version_patch;

static int sample_version_show(struct seq_file *m, void *v)
{
	seq_printf(m, "version 1, read %d times\n", count_read(&version_patch));
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
MODULE_DESCRIPTION("Livepatch sample: version 1 of a series");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
