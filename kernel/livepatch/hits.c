// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How often are patched functions called, and which version runs?
 *
 * /sys/kernel/debug/livepatch/hits: write 1 to count from 0, 0 to stop. Counting is behind a static
 * key; as long as nobody has asked, there is nothing to count with. A line for each function:
 *
 *	diverted original patch function
 *
 * The patch is the newest one that has a say about the function in the world with the patch that
 * is in transition, or in the only world that there is.
 */
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include "internal.h"

static void klp_hits_line(struct seq_file *m, const struct klp_site *site)
{
	const struct klp_layer *layer = klp_site_winner(site, KLP_TRANSITION_PATCHED);
	struct klp_hits sum = {};
	unsigned int cpu;

	/* About to be taken out. */
	if (list_empty(&site->layers))
		return;
	layer = layer ?: list_first_entry(&site->layers, struct klp_layer, node);

	for_each_possible_cpu(cpu) {
		const struct klp_hits *hits = per_cpu_ptr(site->hits, cpu);

		sum.calls[0] += READ_ONCE(hits->calls[0]);
		sum.calls[1] += READ_ONCE(hits->calls[1]);
	}
	seq_printf(m, "%lu %lu ", sum.calls[1], sum.calls[0]);
	seq_escape_str(m, layer->patch->mod->name, KLP_ESCAPE, "\\");
	seq_printf(m, " %ps\n", layer->func->old_func);
}

static int klp_hits_show(struct seq_file *m, void *unused)
{
	struct klp_site *site;

	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &klp_mutex) {
		if (!klp_hook_counting())
			seq_puts(m, "not counting: write 1 to count\n");
		klp_for_each_site(site) {
			if (site->hits)
				klp_hits_line(m, site);
		}
	}
	return 0;
}

/* Begin to count calls, from 0, or stop: 0 or -ENOMEM, upon which nothing is counted. */
static int klp_hits_count(enum klp_counting on)
{
	struct klp_site *site;
	unsigned int cpu;
	int ret;

	lockdep_assert_held(&klp_mutex);

	static_branch_disable(&klp_index_counts);
	if (on == KLP_COUNT_OFF)
		return 0;

	/* G: nobody counts any more who saw the key on. */
	klp_sync();

	klp_for_each_site(site) {
		ret = klp_site_add_hits(site);
		if (ret)
			return ret;
		for_each_possible_cpu(cpu)
			memset(per_cpu_ptr(site->hits, cpu), 0, sizeof(struct klp_hits));
	}
	static_branch_enable(&klp_index_counts);
	return 0;
}

static ssize_t klp_hits_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	bool on;
	int ret;

	ret = kstrtobool_from_user(buf, count, &on);
	if (ret)
		return ret;

	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &klp_mutex)
		ret = klp_hits_count(on ? KLP_COUNT_ON : KLP_COUNT_OFF);
	return ret ?: count;
}

static int klp_hits_open(struct inode *inode, struct file *file)
{
	return single_open(file, klp_hits_show, NULL);
}

const struct file_operations klp_hits_fops = {
	.open = klp_hits_open,
	.read = seq_read,
	.write = klp_hits_write,
	.llseek = seq_lseek,
	.release = single_release,
};
