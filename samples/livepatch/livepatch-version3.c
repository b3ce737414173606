// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-version3 - also tells who was the last one to read
 *
 * That needs memory, which new code uses from its first call to its last: it is there before the
 * first task changes over, and freed after the last one has left. The callbacks are called when
 * this version comes after one of the others, and when one of them comes after it. What to type is
 * in livepatch-version1.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "livepatch-version.h"

static struct klp_patch version_patch;

/* Data of the state READER. */
struct reader {
	struct mutex lock;	/* protects name */
	char name[TASK_COMM_LEN];
};

static int reader_pre_patch(struct klp_patch *patch, struct klp_state *state)
{
	struct reader *last = kzalloc(sizeof(*last), GFP_KERNEL);

	if (!last)
		return -ENOMEM;
	mutex_init(&last->lock);
	strscpy(last->name, "nobody");
	state->data = last;
	pr_info("pre_patch: readers are noted\n");
	return 0;
}

static void reader_post_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	struct reader *last = state->data;

	pr_info("post_unpatch: readers are no longer noted, the last one was %s\n", last->name);
	kfree(last);
	state->data = NULL;
}

static int sample_version_show(struct seq_file *m, void *v)
{
	struct reader *last = klp_get_state(&version_patch, READER)->data;
	int count = count_read(&version_patch);

	guard(mutex)(&last->lock);
	seq_printf(m, "version 3, read %d time%s, before you by %s\n", count,
		   count == 1 ? "" : "s", last->name);
	get_task_comm(last->name, current);
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
	{ .id = READER },
	{ }
};

static const struct klp_state_ops version_state_ops[] = {
	COUNT_OPS,
	{
		.id = READER,
		.pre_patch = reader_pre_patch,
		.post_unpatch = reader_post_unpatch,
	},
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
MODULE_DESCRIPTION("Livepatch sample: version 3 of a series");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
