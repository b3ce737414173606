// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Functions whose calls take more than a few registers, for klpt_wide_patch to replace.
 *
 * /proc/klpt_wide
 *	read: the results of all of them
 *	write a channel of klpt_lib: go down, sleep there at the bottom, and log the result
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#define KLPT_MARK	0
#define KLPT_NAME(name)	klpt_wide_ ## name
#include "klpt_wide.h"

static klpt_func long klpt_wide_descend(int channel)
{
	struct klpt_descent way = { .down = klpt_wide_down, .channel = channel };
	long ret = klpt_wide_down(&way, KLPT_DEPTH);

	barrier();	/* no tail call */
	return ret;
}

static int klpt_wide_show(struct seq_file *m, void *v)
{
	struct klpt_wide one, other;
	long sum = 0;

	for (int i = 0; i < ARRAY_SIZE(one.words); i++) {
		one.words[i] = 100 * i;
		other.words[i] = i * i;
	}
	one = klpt_wide_struct(one, other);
	for (int i = 0; i < ARRAY_SIZE(one.words); i++)
		sum += (i + 1) * one.words[i];

	seq_printf(m, "%ld %ld %ld %ld\n",
		   klpt_wide_twelve(12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1),
		   klpt_wide_many(14, 1, -2L, 3, -4L, 5, -6L, 7, -8L, 9, -10L, 11, -12L, 13, -14L),
		   sum, klpt_wide_descend(0));
	return 0;
}

static int klpt_wide_open(struct inode *inode, struct file *file)
{
	return single_open(file, klpt_wide_show, NULL);
}

static ssize_t klpt_wide_write(struct file *file, const char __user *text, size_t size, loff_t *pos)
{
	unsigned int channel;
	int ret = kstrtouint_from_user(text, size, 10, &channel);

	if (ret)
		return ret;
	if (!channel || channel >= KLPT_CHANNELS)
		return -EINVAL;
	klpt_log("klpt_wide %ld", klpt_wide_descend(channel));
	return size;
}

static const struct proc_ops klpt_wide_ops = {
	.proc_open	= klpt_wide_open,
	.proc_read	= seq_read,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
	.proc_write	= klpt_wide_write,
};

static int __init klpt_wide_init(void)
{
	return proc_create("klpt_wide", 0600, NULL, &klpt_wide_ops) ? 0 : -ENOMEM;
}

static void __exit klpt_wide_exit(void)
{
	remove_proc_entry("klpt_wide", NULL);
}

module_init(klpt_wide_init);
module_exit(klpt_wide_exit);
MODULE_DESCRIPTION("Livepatch selftests: functions with many arguments");
MODULE_LICENSE("GPL");
