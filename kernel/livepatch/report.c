// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be seen in /sys/kernel/debug/livepatch?
 *
 * For people who look for the reason of something; no program should depend on the format.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include "internal.h"

/**
 * klp_report_init() - create the directory and its files
 *
 * Context: initcall. That there is no debugfs is no error.
 */
void __init klp_report_init(void)
{
	debugfs_create_dir("livepatch", NULL);
}
