// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What if ftrace finds itself to be broken?  Loading this switches it off until the next boot, as
 * ftrace does then. Nothing else is spoiled.
 */

#include <linux/module.h>
#include "klpt_lib.h"

static int __init klpt_kill_init(void)
{
	/* Not for modules. */
	void (*kill)(void);

	kill = klpt_entry("ftrace_kill");
	if (!kill)
		return -ENOENT;
	kill();
	return 0;
}

static void __exit klpt_kill_exit(void)
{
}

module_init(klpt_kill_init);
module_exit(klpt_kill_exit);
MODULE_DESCRIPTION("Livepatch selftests: the end of ftrace");
MODULE_LICENSE("GPL");
