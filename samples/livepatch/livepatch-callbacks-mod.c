// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-callbacks-mod - the module that livepatch-callbacks-demo patches
 *
 * A ticket machine: each reader of /proc/livepatch_tickets gets the next number.
 *
 *	# insmod livepatch-callbacks-mod.ko
 *	# cat /proc/livepatch_tickets; cat /proc/livepatch_tickets
 *	ticket 1
 *	ticket 2
 *
 * There is nothing of livepatch in here: this is what a module looks like that somebody patches
 * later.  Go on with livepatch-callbacks-demo.c.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "livepatch-callbacks.h"

static struct ticket_machine machine = {
	.next = ATOMIC_INIT(1),
};

static int tickets_show(struct seq_file *m, void *v)
{
	struct ticket_machine *from = m->private;

	seq_printf(m, "ticket %d\n", atomic_fetch_inc(&from->next));
	return 0;
}

static int __init tickets_init(void)
{
	if (!proc_create_single_data("livepatch_tickets", 0444, NULL, tickets_show, &machine))
		return -ENOMEM;
	return 0;
}

static void __exit tickets_exit(void)
{
	remove_proc_entry("livepatch_tickets", NULL);
}

module_init(tickets_init);
module_exit(tickets_exit);
MODULE_DESCRIPTION("Livepatch sample: a module to be patched, with callbacks");
MODULE_LICENSE("GPL");
