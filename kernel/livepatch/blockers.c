// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who holds the transition up, and why?
 *
 * /sys/kernel/debug/livepatch/blockers, in words:
 *
 *	patch: livepatch_sample
 *	target: patched
 *	age: 42 s
 *	tasks left: 2
 *	812 812 (backupd) S on stack: pipe_read+0x2a0/0x420
 *	1733 1730 (java) S waits for kernel exit
 *
 * A line gives the thread, its process, name and state as in /proc/PID/stat, the verdict, and for
 * "on stack" and "diverted, not yet arrived" the place that the task will return to in the code
 * that it has to leave.
 *
 * Tasks are looked at once, when the file is opened, and not moved by that. The result is put
 * aside, so that nobody is kept from going on while it is printed and read.
 */
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "internal.h"

/* Tasks that get a line; the others are counted. */
#define KLP_BLOCKERS_MAX 1000

/* Room for one line, with a symbol of usual length; seq_file finds more if it has to. */
#define KLP_BLOCKERS_LINE 120

/**
 * struct klp_blockers - what one look at all tasks has found; belongs to one open file
 * @patch: name of the patch in transition, empty when there is none
 * @target: the world that tasks head for
 * @age: of the transition, in seconds
 * @nr: tasks that have not arrived
 * @blocker: the first KLP_BLOCKERS_MAX of them
 */
struct klp_blockers {
	char patch[MODULE_NAME_LEN];
	int target;
	unsigned int age;
	unsigned int nr;
	struct klp_blocker blocker[KLP_BLOCKERS_MAX];
};

static unsigned int klp_blockers_lines(const struct klp_blockers *all)
{
	return min(all->nr, KLP_BLOCKERS_MAX);
}

static void klp_blockers_note(struct task_struct *task, void *arg)
{
	struct klp_blockers *all = arg;
	enum klp_verdict verdict;
	unsigned long where = 0;

	if (klp_task_arrived(task))
		return;
	if (all->nr++ >= KLP_BLOCKERS_MAX)
		return;

	verdict = klp_task_look(task, &where);
	klp_task_blame(task, verdict, where, &all->blocker[all->nr - 1]);
}

static int klp_blockers_collect(struct klp_blockers *all)
{
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &klp_mutex) {
		if (!klp_transition_patch)
			return 0;
		strscpy(all->patch, klp_transition_patch->mod->name);
		all->target = klp_transition_target();
		all->age = div_u64(klp_stats_age(), NSEC_PER_SEC);
		klp_tasks_visit(klp_blockers_note, all);
	}
	return 0;
}

static void klp_blocker_show(struct seq_file *m, const struct klp_blocker *blocker)
{
	seq_printf(m, "%d %d (%s) %c %s", blocker->tid, blocker->pid, blocker->comm, blocker->state,
		   klp_verdict_word(blocker->verdict));
	/* Where a task is going to is an entry, not an address behind a call. */
	if (blocker->where)
		seq_printf(m, blocker->verdict == KLP_IN_FLIGHT ? ": %pS" : ": %pB",
			   (void *)blocker->where);
	seq_putc(m, '\n');
}

static int klp_blockers_show(struct seq_file *m, void *unused)
{
	const struct klp_blockers *all = m->private;
	unsigned int i;

	if (!*all->patch) {
		seq_puts(m, "no transition\n");
		return 0;
	}

	seq_puts(m, "patch: ");
	seq_escape_str(m, all->patch, KLP_ESCAPE, "\\");
	seq_printf(m, "\ntarget: %s\n",
		   all->target == KLP_TRANSITION_PATCHED ? "patched" : "unpatched");
	seq_printf(m, "age: %u s\n", all->age);
	seq_printf(m, "tasks left: %u\n", all->nr);
	for (i = 0; i < klp_blockers_lines(all); i++)
		klp_blocker_show(m, &all->blocker[i]);
	if (all->nr > KLP_BLOCKERS_MAX)
		seq_printf(m, "and %u more\n", all->nr - KLP_BLOCKERS_MAX);
	return 0;
}

static int klp_blockers_open(struct inode *inode, struct file *file)
{
	struct klp_blockers *all = kvzalloc(sizeof(*all), GFP_KERNEL);
	int ret;

	if (!all)
		return -ENOMEM;

	ret = klp_blockers_collect(all);
	if (!ret)
		ret = single_open_size(file, klp_blockers_show, all,
				       PAGE_SIZE + klp_blockers_lines(all) * KLP_BLOCKERS_LINE);
	if (ret)
		kvfree(all);
	return ret;
}

static int klp_blockers_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	kvfree(m->private);
	return single_release(inode, file);
}

const struct file_operations klp_blockers_fops = {
	.open = klp_blockers_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = klp_blockers_release,
};
