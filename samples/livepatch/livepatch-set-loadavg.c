// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-set-loadavg - the second of two patches of different sets
 *
 * See livepatch-set-cmdline.c for the two side by side.  This one can also do what a distributor's
 * patch does that has come to contain the fixes of another stream: take over the other set, in one
 * transition.  What to type and what to see:
 *
 *	# insmod livepatch-set-cmdline.ko
 *	# cat /proc/cmdline
 *	patched by set 1
 *	# insmod livepatch-set-loadavg.ko supersede=1
 *	# cat /proc/cmdline /proc/loadavg
 *	console=ttyS0 ...			what the boot loader passed
 *	0.00 0.00 0.00 0/0 0 patched by set 2
 *	# ls /sys/kernel/livepatch
 *	livepatch_set_loadavg
 *	# rmmod livepatch_set_cmdline
 *
 * The function behind /proc/cmdline has gone back to the original because it is not listed here.
 * A real one would have it, and may: who is replaced is in nobody's way.
 */
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static bool supersede;
module_param(supersede, bool, 0444);
MODULE_PARM_DESC(supersede, "replace the patches of set 1, too (default: N)");

/* Still begins with the fields that top(1) and its relatives parse. */
static int set_loadavg_show(struct seq_file *m, void *v)
{
	seq_puts(m, "0.00 0.00 0.00 0/0 0 patched by set 2\n");
	return 0;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "loadavg_proc_show", .new_func = set_loadavg_show },
	{ }
};

static struct klp_object set_objs[] = {
	{ .funcs = vmlinux_funcs },
	{ }
};

/* Ended by 0. */
static const unsigned int set_superseded[] = { 1, 0 };

static struct klp_patch set_patch = {
	.mod = THIS_MODULE,
	.objs = set_objs,
	.replace = true,
	.replace_set = 2,
};

static int __init set_init(void)
{
	if (supersede)
		set_patch.supersedes = set_superseded;
	return klp_enable_patch(&set_patch);
}

static void __exit set_exit(void)
{
}

module_init(set_init);
module_exit(set_exit);
MODULE_DESCRIPTION("Livepatch sample: /proc/loadavg, in a set of its own");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
