// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Has one call seen both worlds?  foo() calls bar() twice and sleeps between, and a system call
 * calls bar(), foo() and bar().  Whoever gets different answers in one call has seen a mix.
 *
 * /proc/klpt_mix/call
 *	write "mix CHANNEL" for one such system call; it sleeps in a wait channel of klpt_lib, once
 *	in foo() and once behind it. With channel 0 it only takes two short naps there.
 *	write "strange CHANNEL" to sleep below a function that no unwinder can get past.
 * /proc/klpt_mix/count
 *	calls of foo(), those that have seen a mix, system calls that have
 * /proc/klpt_mix/last
 *	open it for writing: the last close sleeps in the channel that was written
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "klpt_lib.h"

static int zero;
module_param(zero, int, 0400);
MODULE_PARM_DESC(zero, "what the original bar() returns");

static atomic_t calls, mixed_foo, mixed_calls;

static int mix_sleep(int channel)
{
	if (channel)
		return klpt_wait(channel, KLPT_KILLABLE);
	usleep_range(100, 200);
	return 0;
}

static klpt_func int klpt_mix_bar(void)
{
	return READ_ONCE(zero);
}

/* What bar() has returned both times, or -1 when it was not the same. */
static klpt_func int klpt_mix_foo(int channel)
{
	int first = klpt_mix_bar();
	int ret = mix_sleep(channel);

	atomic_inc(&calls);
	if (ret || klpt_mix_bar() == first)
		return first;
	atomic_inc(&mixed_foo);
	return -1;
}

static int call_mix(int channel)
{
	int before = klpt_mix_bar();
	int foo = klpt_mix_foo(channel);
	int ret = mix_sleep(channel);

	if (ret)
		return ret;
	if (foo != before || klpt_mix_bar() != before)
		atomic_inc(&mixed_calls);
	return 0;
}

/* Nothing describes the stack of this one. */
static klpt_func int klpt_mix_strange(int channel)
{
	int ret = klpt_wait(channel, KLPT_KILLABLE);

	barrier();	/* no tail call */
	return ret;
}

STACK_FRAME_NON_STANDARD(klpt_mix_strange);

static int get_channel(const char __user *buf, size_t count, char *name, int *channel)
{
	char text[32] = { };

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;
	return sscanf(text, "%15s %d", name, channel) == 2 ? 0 : -EINVAL;
}

static ssize_t call_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	int channel, ret;
	char name[16];

	ret = get_channel(buf, count, name, &channel);
	if (ret)
		return ret;
	if (!strcmp(name, "mix"))
		ret = call_mix(channel);
	else if (!strcmp(name, "strange"))
		ret = klpt_mix_strange(channel);
	else
		ret = -EINVAL;
	return ret ?: count;
}

static const struct proc_ops call_ops = {
	.proc_write	= call_write,
};

static ssize_t last_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	int channel, ret;
	char name[16];

	ret = get_channel(buf, count, name, &channel);
	if (ret)
		return ret;
	file->private_data = (void *)(long)channel;
	return count;
}

static int last_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		klpt_wait((long)file->private_data, KLPT_IDLE);
	return 0;
}

static const struct proc_ops last_ops = {
	.proc_write	= last_write,
	.proc_release	= last_release,
};

static int count_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d %d %d\n", atomic_read(&calls), atomic_read(&mixed_foo),
		   atomic_read(&mixed_calls));
	return 0;
}

static int __init klpt_mix_init(void)
{
	struct proc_dir_entry *dir = proc_mkdir(KBUILD_MODNAME, NULL);

	if (!dir ||
	    !proc_create("call", 0200, dir, &call_ops) ||
	    !proc_create("last", 0200, dir, &last_ops) ||
	    !proc_create_single("count", 0400, dir, count_show)) {
		remove_proc_subtree(KBUILD_MODNAME, NULL);
		return -ENOMEM;
	}
	return 0;
}

static void __exit klpt_mix_exit(void)
{
	remove_proc_subtree(KBUILD_MODNAME, NULL);
}

module_init(klpt_mix_init);
module_exit(klpt_mix_exit);
MODULE_DESCRIPTION("Livepatch selftests: calls that notice two worlds");
MODULE_LICENSE("GPL");
