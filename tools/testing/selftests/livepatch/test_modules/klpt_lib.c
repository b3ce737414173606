// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What do all test modules share?  A log that scripts can read, and places to sleep.
 *
 * /proc/klpt/log      one line per klpt_log(); writing anything empties it
 * /proc/klpt/waiting  number of tasks asleep in each channel
 * /proc/klpt/slept    number of times that any task fell asleep in each channel
 * /proc/klpt/wake     write a channel number, or "all"
 * /proc/klpt/exiting  number of tasks that are inside the last function they call, in the version
 *		       of each livepatch from 1 to 4; then of those that have been there
 * /proc/klpt/hold     write 1 to keep kthreads inside that function, 0 to let them go
 *
 * It is a module of its own so that livepatches depend on it and not on the module they patch.
 */

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "klpt_lib.h"

#define LOG_SIZE	(16 * 1024)

static DEFINE_MUTEX(log_mutex);
static char log_text[LOG_SIZE];
static size_t log_len;

static DECLARE_WAIT_QUEUE_HEAD(wait_queue);
static unsigned int wakeups[KLPT_CHANNELS];	/* counts wake-ups, so that none is missed */
static atomic_t waiting[KLPT_CHANNELS];
static atomic_t slept[KLPT_CHANNELS];

void klpt_log(const char *fmt, ...)
{
	va_list args;

	guard(mutex)(&log_mutex);
	va_start(args, fmt);
	log_len += vscnprintf(log_text + log_len, LOG_SIZE - log_len, fmt, args);
	va_end(args);
	log_len += scnprintf(log_text + log_len, LOG_SIZE - log_len, "\n");
}
EXPORT_SYMBOL_GPL(klpt_log);

/*
 * Where to call a function that is not for modules; NULL if there is none. A kprobe is found by its
 * name, and may stand behind the first instructions, which the symbol does not.
 */
void *klpt_entry(const char *name)
{
	struct kprobe finder = { .symbol_name = name };
	char text[KSYM_SYMBOL_LEN], *plus;
	unsigned long offset;

	if (register_kprobe(&finder))
		return NULL;
	unregister_kprobe(&finder);
	sprint_symbol(text, (unsigned long)finder.addr);
	plus = strchr(text, '+');
	if (!plus || sscanf(plus, "+%lx", &offset) != 1)
		return NULL;
	return (char *)finder.addr - offset;
}
EXPORT_SYMBOL_GPL(klpt_entry);

int klpt_wait(unsigned int channel, enum klpt_how how)
{
	unsigned int seen;
	int ret = 0;

	if (channel >= KLPT_CHANNELS)
		return -EINVAL;

	seen = READ_ONCE(wakeups[channel]);
	atomic_inc(&waiting[channel]);
	atomic_inc(&slept[channel]);
	switch (how) {
	case KLPT_KILLABLE:
		ret = wait_event_killable(wait_queue, READ_ONCE(wakeups[channel]) != seen);
		break;
	case KLPT_INTERRUPTIBLE:
		ret = wait_event_interruptible(wait_queue, READ_ONCE(wakeups[channel]) != seen);
		break;
	case KLPT_IDLE:
		wait_event_idle(wait_queue, READ_ONCE(wakeups[channel]) != seen ||
				((current->flags & PF_KTHREAD) && kthread_should_stop()));
		break;
	}
	atomic_dec(&waiting[channel]);
	return ret;
}
EXPORT_SYMBOL_GPL(klpt_wait);

/* Where tasks are that have nearly exited: channel by number of the livepatch, 0 for all so far. */
static atomic_t exiting[KLPT_IDS + 1];
static bool exit_hold;

void klpt_exit_begin(int id)
{
	atomic_inc(&exiting[0]);
	atomic_inc(&exiting[id]);
}
EXPORT_SYMBOL_GPL(klpt_exit_begin);

void klpt_exit_end(int id)
{
	atomic_dec(&exiting[id]);
}
EXPORT_SYMBOL_GPL(klpt_exit_end);

bool klpt_exit_held(void)
{
	return READ_ONCE(exit_hold);
}
EXPORT_SYMBOL_GPL(klpt_exit_held);

/* For kthreads: sleep until somebody wakes the task up. */
void klpt_nap(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop())
		schedule();
	__set_current_state(TASK_RUNNING);
}
EXPORT_SYMBOL_GPL(klpt_nap);

static int log_show(struct seq_file *m, void *unused)
{
	guard(mutex)(&log_mutex);
	seq_write(m, log_text, log_len);
	return 0;
}

static ssize_t log_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	guard(mutex)(&log_mutex);
	log_len = 0;
	return count;
}

static int log_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, log_show, NULL, LOG_SIZE + PAGE_SIZE);
}

static const struct proc_ops log_ops = {
	.proc_open	= log_open,
	.proc_read	= seq_read,
	.proc_write	= log_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

static void show_counters(struct seq_file *m, atomic_t *counters)
{
	for (int i = 0; i < KLPT_CHANNELS; i++)
		seq_printf(m, "%d%c", atomic_read(&counters[i]),
			   i == KLPT_CHANNELS - 1 ? '\n' : ' ');
}

static int waiting_show(struct seq_file *m, void *unused)
{
	show_counters(m, waiting);
	return 0;
}

static int slept_show(struct seq_file *m, void *unused)
{
	show_counters(m, slept);
	return 0;
}

static int exiting_show(struct seq_file *m, void *unused)
{
	for (int id = 1; id <= KLPT_IDS; id++)
		seq_printf(m, "%d ", atomic_read(&exiting[id]));
	seq_printf(m, "%d\n", atomic_read(&exiting[0]));
	return 0;
}

static ssize_t hold_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	bool hold;
	int ret = kstrtobool_from_user(buf, count, &hold);

	if (ret)
		return ret;
	WRITE_ONCE(exit_hold, hold);
	return count;
}

static const struct proc_ops hold_ops = {
	.proc_write	= hold_write,
};

static ssize_t wake_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char text[8] = { };
	unsigned int channel;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;

	if (sysfs_streq(text, "all")) {
		for (channel = 0; channel < KLPT_CHANNELS; channel++)
			WRITE_ONCE(wakeups[channel], wakeups[channel] + 1);
	} else {
		if (kstrtouint(strim(text), 10, &channel) || channel >= KLPT_CHANNELS)
			return -EINVAL;
		WRITE_ONCE(wakeups[channel], wakeups[channel] + 1);
	}
	wake_up_all(&wait_queue);
	return count;
}

static const struct proc_ops wake_ops = {
	.proc_write	= wake_write,
};

/* What is mapped needs this module for longer than procfs knows. */
static void pages_open(struct vm_area_struct *vma)
{
	__module_get(THIS_MODULE);
}

static void pages_close(struct vm_area_struct *vma)
{
	module_put(THIS_MODULE);
}

static vm_fault_t pages_fault(struct vm_fault *vmf)
{
	if (klpt_wait(vmf->pgoff, KLPT_KILLABLE))
		return VM_FAULT_SIGBUS;
	vmf->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct pages_vm_ops = {
	.open	= pages_open,
	.close	= pages_close,
	.fault	= pages_fault,
};

static int pages_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &pages_vm_ops;
	pages_open(vma);
	return 0;
}

static const struct proc_ops pages_ops = {
	.proc_mmap	= pages_mmap,
};

static int __init klpt_lib_init(void)
{
	struct proc_dir_entry *dir = proc_mkdir("klpt", NULL);

	if (!dir ||
	    !proc_create("log", 0600, dir, &log_ops) ||
	    !proc_create_single("waiting", 0400, dir, waiting_show) ||
	    !proc_create_single("slept", 0400, dir, slept_show) ||
	    !proc_create_single("exiting", 0400, dir, exiting_show) ||
	    !proc_create("hold", 0200, dir, &hold_ops) ||
	    !proc_create("pages", 0600, dir, &pages_ops) ||
	    !proc_create("wake", 0200, dir, &wake_ops)) {
		remove_proc_subtree("klpt", NULL);
		return -ENOMEM;
	}
	return 0;
}

static void __exit klpt_lib_exit(void)
{
	remove_proc_subtree("klpt", NULL);
}

module_init(klpt_lib_init);
module_exit(klpt_lib_exit);
MODULE_DESCRIPTION("Livepatch selftests: log and sleeping places");
MODULE_LICENSE("GPL");
