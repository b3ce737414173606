// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-sample - two functions of vmlinux, patched in one go
 *
 * The smallest complete livepatch: replacements, a table that says what they replace, and
 * klp_enable_patch() in the module's init.  What to type and what to see:
 *
 *	# cat /proc/cmdline /proc/loadavg
 *	console=ttyS0 ...			what the boot loader passed
 *	0.02 0.01 0.00 1/61 94			the real figures
 *	# insmod livepatch-sample.ko
 *	# cat /proc/cmdline /proc/loadavg
 *	this has been live patched
 *	0.00 0.00 0.00 0/0 0 live patched
 *
 * Is the change complete, or are there tasks which still run the old code?
 *
 *	# cat /sys/kernel/livepatch/livepatch_sample/transition
 *	0					0: complete, 1: not yet
 *
 * To take it back and to unload it:
 *
 *	# echo 0 > /sys/kernel/livepatch/livepatch_sample/enabled
 *	# cat /proc/cmdline
 *	console=ttyS0 ...
 *	# rmmod livepatch_sample		once the sysfs directory is gone
 *
 * Or leave it enabled and go on with livepatch-cumulative.c.
 */
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int sample_cmdline_show(struct seq_file *m, void *v)
{
	seq_puts(m, "this has been live patched\n");
	return 0;
}

/* Still begins with the fields that top(1) and its relatives parse. */
static int sample_loadavg_show(struct seq_file *m, void *v)
{
	seq_puts(m, "0.00 0.00 0.00 0/0 0 live patched\n");
	return 0;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = sample_cmdline_show },
	{ .old_name = "loadavg_proc_show", .new_func = sample_loadavg_show },
	{ }
};

/* An object without a name is vmlinux. */
static struct klp_object sample_objs[] = {
	{ .funcs = vmlinux_funcs },
	{ }
};

static struct klp_patch sample_patch = {
	.mod = THIS_MODULE,
	.objs = sample_objs,
};

static int __init sample_init(void)
{
	return klp_enable_patch(&sample_patch);
}

/* Nothing to undo, but without an exit function the module could never be removed. */
static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Livepatch sample: /proc/cmdline and /proc/loadavg");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
