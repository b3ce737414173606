// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What if ftrace finds itself to be broken?  Loading this switches it off until the next boot, as
 * ftrace does then. Nothing else is spoiled.
 */

#include <linux/kprobes.h>
#include <linux/module.h>

static int __init klpt_kill_init(void)
{
	/* Not for modules. */
	struct kprobe finder = { .symbol_name = "ftrace_kill" };
	void (*kill)(void);
	int ret;

	ret = register_kprobe(&finder);
	if (ret)
		return ret;
	kill = (void *)finder.addr;
	unregister_kprobe(&finder);
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
