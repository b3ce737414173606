// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-set-cmdline - the first of two patches of different sets
 *
 * Two teams release patches for one machine and know nothing of each other: this one changes
 * /proc/cmdline and is in set 1, livepatch-set-loadavg changes /proc/loadavg and is in set 2.
 * Both are cumulative, yet they leave each other alone.  What to type and what to see:
 *
 *	# insmod livepatch-set-cmdline.ko
 *	# insmod livepatch-set-loadavg.ko
 *	# cat /proc/cmdline /proc/loadavg
 *	patched by set 1
 *	0.00 0.00 0.00 0/0 0 patched by set 2
 *	# grep -r . /sys/kernel/livepatch --include=replace_set
 *	/sys/kernel/livepatch/livepatch_set_cmdline/replace_set:1
 *	/sys/kernel/livepatch/livepatch_set_loadavg/replace_set:2
 *
 * A patch of a third set may not have a function that one of them has.  livepatch-sample names no
 * set, so it is in set 0:
 *
 *	# insmod livepatch-sample.ko
 *	insmod: ERROR: could not insert module livepatch-sample.ko: Invalid parameters
 *	# dmesg | tail -1
 *	livepatch: patch 'livepatch_sample' of set 0 and patch 'livepatch_set_cmdline' of set 1 both
 *	have function 'cmdline_proc_show' in object 'vmlinux'
 *
 * Each goes by itself:
 *
 *	# echo 0 > /sys/kernel/livepatch/livepatch_set_cmdline/enabled
 *	# cat /proc/cmdline /proc/loadavg
 *	console=ttyS0 ...			what the boot loader passed
 *	0.00 0.00 0.00 0/0 0 patched by set 2
 *	# rmmod livepatch_set_cmdline
 *
 * Go on with livepatch-set-loadavg.c, which can also take over this set.
 */
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int set_cmdline_show(struct seq_file *m, void *v)
{
	seq_puts(m, "patched by set 1\n");
	return 0;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = set_cmdline_show },
	{ }
};

static struct klp_object set_objs[] = {
	{ .funcs = vmlinux_funcs },
	{ }
};

/* Replaces an older version of itself, if there is one: whatever else is in set 1. */
static struct klp_patch set_patch = {
	.mod = THIS_MODULE,
	.objs = set_objs,
	.replace = true,
	.replace_set = 1,
};

static int __init set_init(void)
{
	return klp_enable_patch(&set_patch);
}

static void __exit set_exit(void)
{
}

module_init(set_init);
module_exit(set_exit);
MODULE_DESCRIPTION("Livepatch sample: /proc/cmdline, in a set of its own");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
