// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-shadow-mod - a module with a bug whose fix needs more data than its structure holds
 *
 * Keeps safes, each opened by a number (PIN).  /proc/livepatch_safes takes three commands:
 *
 *	add SAFE PIN	a new safe
 *	open SAFE PIN	try to open it
 *	drop SAFE 0	forget it
 *
 * The bug: one may guess for as long as one likes.
 *
 *	# insmod livepatch-shadow-mod.ko
 *	# echo add 1 4711 > /proc/livepatch_safes
 *	# for pin in 1 2 3 4 5; do echo open 1 $pin > /proc/livepatch_safes; done
 *	bash: echo: write error: Permission denied		five times, and no limit
 *	# echo open 1 4711 > /proc/livepatch_safes; echo $?
 *	0
 *	# cat /proc/livepatch_safes
 *	safe 1
 *
 * A fix has to count failures for each safe, but struct safe has no room for it, and safes that
 * exist cannot grow.  Go on with livepatch-shadow-fix1.c.
 */
#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "livepatch-shadow.h"

static LIST_HEAD(safes);
static DEFINE_MUTEX(safes_lock);

static struct safe *safe_find(unsigned int number)
{
	struct safe *safe;

	list_for_each_entry(safe, &safes, node) {
		if (safe->number == number)
			return safe;
	}
	return NULL;
}

static int safe_add(unsigned int number, unsigned int pin)
{
	struct safe *safe;

	if (safe_find(number))
		return -EEXIST;

	safe = kzalloc(sizeof(*safe), GFP_KERNEL);
	if (!safe)
		return -ENOMEM;

	safe->number = number;
	safe->pin = pin;
	list_add_tail(&safe->node, &safes);
	return 0;
}

/*
 * The three functions that the fixes replace.  Only a function that stands in the object code on
 * its own, called by its own name, can be patched: hence noinline and __noclone, for the small
 * ones that a compiler would otherwise dissolve.
 */
static noinline __noclone int safe_open(struct safe *safe, unsigned int pin)
{
	return safe->pin == pin ? 0 : -EACCES;
}

static noinline __noclone void safe_show(struct seq_file *m, struct safe *safe)
{
	seq_printf(m, "safe %u\n", safe->number);
}

static noinline __noclone void safe_drop(struct safe *safe)
{
	list_del(&safe->node);
	kfree(safe);
}

static int safe_command(const char *verb, unsigned int number, unsigned int pin)
{
	struct safe *safe;

	if (!strcmp(verb, "add"))
		return safe_add(number, pin);

	safe = safe_find(number);
	if (!safe)
		return -ENOENT;
	if (!strcmp(verb, "open"))
		return safe_open(safe, pin);
	if (strcmp(verb, "drop"))
		return -EINVAL;

	safe_drop(safe);
	return 0;
}

static ssize_t safes_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char line[48], verb[8];
	unsigned int number, pin;
	int err;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = '\0';
	if (sscanf(line, "%7s %u %u", verb, &number, &pin) != 3)
		return -EINVAL;

	mutex_lock(&safes_lock);
	err = safe_command(verb, number, pin);
	mutex_unlock(&safes_lock);
	return err ?: count;
}

static int safes_show(struct seq_file *m, void *v)
{
	struct safe *safe;

	mutex_lock(&safes_lock);
	list_for_each_entry(safe, &safes, node)
		safe_show(m, safe);
	mutex_unlock(&safes_lock);
	return 0;
}

static int safes_open(struct inode *inode, struct file *file)
{
	return single_open(file, safes_show, NULL);
}

static const struct proc_ops safes_ops = {
	.proc_open	= safes_open,
	.proc_read	= seq_read,
	.proc_write	= safes_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

static int __init safes_init(void)
{
	return proc_create("livepatch_safes", 0644, NULL, &safes_ops) ? 0 : -ENOMEM;
}

static void __exit safes_exit(void)
{
	struct safe *safe, *next;

	remove_proc_entry("livepatch_safes", NULL);
	list_for_each_entry_safe(safe, next, &safes, node)
		safe_drop(safe);
}

module_init(safes_init);
module_exit(safes_exit);
MODULE_DESCRIPTION("Livepatch sample: a module to be fixed with shadow variables");
MODULE_LICENSE("GPL");
