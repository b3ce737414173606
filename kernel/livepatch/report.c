// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be seen in /sys/kernel/debug/livepatch?
 *
 *	shadow		how many shadow variables there are (shadow_store.c)
 *	blockers	who holds the transition up, and why (blockers.c)
 *	hits		how often patched functions are called (hits.c)
 *	statistics	how the last transitions went (stats.c)
 *
 * For people who look for the reason of something, and for the klp tool, which copes when a line is
 * not what it knows.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>
#include "internal.h"

DEFINE_SHOW_ATTRIBUTE(klp_shadow);
DEFINE_SHOW_ATTRIBUTE(klp_stats);

/**
 * klp_report_init() - create the directory and its files
 *
 * Context: initcall. That there is no debugfs is no error.
 */
void __init klp_report_init(void)
{
	struct dentry *dir = debugfs_create_dir("livepatch", NULL);

	debugfs_create_file("shadow", 0400, dir, NULL, &klp_shadow_fops);
	debugfs_create_file("hits", 0600, dir, NULL, &klp_hits_fops);
	debugfs_create_file("statistics", 0400, dir, NULL, &klp_stats_fops);
	debugfs_create_file("blockers", 0400, dir, NULL, &klp_blockers_fops);
}
