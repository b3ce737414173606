// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-version4 - the count is also in a file, which need not be read to be counted
 *
 * The file appears when all tasks have changed over, and disappears before the first one goes back.
 * If that is reversed, post_patch is called again. What to type is in livepatch-version1.c.
 *
 * Code of this module serves the file. So the file is nothing that another version could take over
 * while this module is removed: a version 5 with such a file would list it as a state with a new
 * id, so that this one goes when that one comes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/proc_fs.h>

#include "livepatch-version.h"

static struct klp_patch version_patch;

static int sample_version_show(struct seq_file *m, void *v)
{
	int count = count_read(&version_patch);

	seq_printf(m, "version 4, read %d time%s\n", count, count == 1 ? "" : "s");
	return 0;
}

static int file_show(struct seq_file *m, void *v)
{
	int count = atomic_read(klp_get_state(&version_patch, COUNT)->data);

	seq_printf(m, "version 4, /proc/version was read %d time%s\n", count,
		   count == 1 ? "" : "s");
	return 0;
}

static void file_post_patch(struct klp_patch *patch, struct klp_state *state)
{
	state->data = proc_create_single("livepatch_version", 0444, NULL, file_show);
	if (state->data)
		pr_info("post_patch: /proc/livepatch_version is there\n");
	else
		pr_warn("post_patch: no /proc/livepatch_version\n");
}

/* Waits for those who are reading the file. */
static void file_pre_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	pr_info("pre_unpatch: /proc/livepatch_version goes\n");
	proc_remove(state->data);
	state->data = NULL;
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
	{ .id = FILE_OF_OWN },
	{ }
};

static const struct klp_state_ops version_state_ops[] = {
	COUNT_OPS,
	{
		.id = FILE_OF_OWN,
		.post_patch = file_post_patch,
		.pre_unpatch = file_pre_unpatch,
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
MODULE_DESCRIPTION("Livepatch sample: version 4 of a series");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
