// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-cumulative - the next version of livepatch-sample, by atomic replace
 *
 * A patch with .replace takes the place of everything enabled before it.  In one transition
 * this one upgrades the function behind /proc/cmdline, and gives the function behind
 * /proc/loadavg back to the original, just by not listing it.  What to type and what to see:
 *
 *	# insmod livepatch-sample.ko
 *	# cat /proc/cmdline /proc/loadavg
 *	this has been live patched
 *	0.00 0.00 0.00 0/0 0 live patched
 *	# insmod livepatch-cumulative.ko
 *	# cat /proc/cmdline /proc/loadavg
 *	this has been live patched again
 *	0.02 0.01 0.00 1/61 94			the real figures
 *
 * The replaced patch has left sysfs, and its module can go:
 *
 *	# ls /sys/kernel/livepatch
 *	livepatch_cumulative
 *	# rmmod livepatch_sample
 *
 * Disabling goes to the original code, never to the replaced patch:
 *
 *	# echo 0 > /sys/kernel/livepatch/livepatch_cumulative/enabled
 *	# cat /proc/cmdline
 *	console=ttyS0 ...
 *
 * To go back to the older version, load livepatch-sample.ko anew.
 */
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int cumulative_cmdline_show(struct seq_file *m, void *v)
{
	seq_puts(m, "this has been live patched again\n");
	return 0;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = cumulative_cmdline_show },
	{ }
};

static struct klp_object cumulative_objs[] = {
	{ .funcs = vmlinux_funcs },
	{ }
};

static struct klp_patch cumulative_patch = {
	.mod = THIS_MODULE,
	.objs = cumulative_objs,
	.replace = true,
};

static int __init cumulative_init(void)
{
	return klp_enable_patch(&cumulative_patch);
}

static void __exit cumulative_exit(void)
{
}

module_init(cumulative_init);
module_exit(cumulative_exit);
MODULE_DESCRIPTION("Livepatch sample: a cumulative patch that replaces livepatch-sample");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
