// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-callbacks-demo - a patch that has to prepare, to switch on, and to clean up
 *
 * Patches the ticket machine of livepatch-callbacks-mod so that it also keeps sales figures.
 * Redirecting calls is not enough for that: the figures need memory before the first patched
 * call, they are worth something only from the moment when nobody runs the old code (a ticket
 * sold there goes uncounted), and the memory has to be given back when nobody runs the new code.
 * Each of these moments has its callback.
 *
 * 1. The module first, then the patch:
 *
 *	# insmod livepatch-callbacks-mod.ko
 *	# insmod livepatch-callbacks-demo.ko
 *	# dmesg | tail				the callbacks among the messages of livepatch
 *	livepatch_callbacks_demo: pre_patch livepatch_callbacks_mod: memory is there
 *	livepatch_callbacks_demo: post_patch livepatch_callbacks_mod: counting starts
 *	# cat /proc/livepatch_tickets; cat /proc/livepatch_tickets
 *	ticket 1, sold since the patch: 1
 *	ticket 2, sold since the patch: 2
 *	# echo 0 > /sys/kernel/livepatch/livepatch_callbacks_demo/enabled
 *	# dmesg | tail
 *	livepatch_callbacks_demo: pre_unpatch livepatch_callbacks_mod: counting stops
 *	livepatch_callbacks_demo: post_unpatch livepatch_callbacks_mod: 2 sold, memory is free
 *	# rmmod livepatch_callbacks_demo livepatch_callbacks_mod
 *
 * 2. The patch first: no callback runs until the module comes, then pre_patch and post_patch run
 *    before the module's own init.  When the module goes, so do the other two.
 *
 *	# insmod livepatch-callbacks-demo.ko
 *	# insmod livepatch-callbacks-mod.ko
 *	# cat /proc/livepatch_tickets
 *	ticket 1, sold since the patch: 1
 *	# rmmod livepatch_callbacks_mod
 *
 * 3. A pre_patch callback may refuse.  With the patch enabled and the module not loaded:
 *
 *	# echo 1 > /sys/module/livepatch_callbacks_demo/parameters/refuse
 *	# insmod livepatch-callbacks-mod.ko
 *	insmod: ERROR: could not insert module livepatch-callbacks-mod.ko: No such device
 *
 *    The module stays out rather than run unpatched.  Likewise, with the module loaded first,
 *    "insmod livepatch-callbacks-demo.ko refuse=1" fails and leaves nothing behind.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "livepatch-callbacks.h"

static bool refuse;
module_param(refuse, bool, 0644);
MODULE_PARM_DESC(refuse, "let the pre_patch callback fail (default: N)");

/**
 * struct sales - figures that the patch keeps
 * @counting: everybody runs the new code
 * @sold:     tickets handed out since
 */
struct sales {
	bool counting;
	atomic_t sold;
};

/* Valid as long as any task may run the new code: set in pre_patch, gone in post_unpatch. */
static struct sales *sales;

static int demo_tickets_show(struct seq_file *m, void *v)
{
	struct ticket_machine *from = m->private;
	int number = atomic_fetch_inc(&from->next);

	if (READ_ONCE(sales->counting))
		seq_printf(m, "ticket %d, sold since the patch: %d\n", number,
			   atomic_inc_return(&sales->sold));
	else
		seq_printf(m, "ticket %d\n", number);
	return 0;
}

/* Before anything is redirected.  The one callback that may fail, so allocations go here. */
static int demo_pre_patch(struct klp_object *obj)
{
	if (refuse)
		return -ENODEV;

	sales = kzalloc(sizeof(*sales), GFP_KERNEL);
	if (!sales)
		return -ENOMEM;

	pr_info("pre_patch %s: memory is there\n", obj->name);
	return 0;
}

/* Every task runs the new code: whatever relies on that may start. */
static void demo_post_patch(struct klp_object *obj)
{
	WRITE_ONCE(sales->counting, true);
	pr_info("post_patch %s: counting starts\n", obj->name);
}

/* Every task still runs the new code, some soon will not: stop what relies on it. */
static void demo_pre_unpatch(struct klp_object *obj)
{
	WRITE_ONCE(sales->counting, false);
	pr_info("pre_unpatch %s: counting stops\n", obj->name);
}

/* No task can reach the new code any more.  Also runs when the transition was reversed. */
static void demo_post_unpatch(struct klp_object *obj)
{
	pr_info("post_unpatch %s: %d sold, memory is free\n", obj->name,
		atomic_read(&sales->sold));
	kfree(sales);
	sales = NULL;
}

static struct klp_func tickets_funcs[] = {
	{ .old_name = "tickets_show", .new_func = demo_tickets_show },
	{ }
};

static struct klp_object demo_objs[] = {
	{
		.name = "livepatch_callbacks_mod",
		.funcs = tickets_funcs,
		.callbacks.pre_patch = demo_pre_patch,
		.callbacks.post_patch = demo_post_patch,
		.callbacks.pre_unpatch = demo_pre_unpatch,
		.callbacks.post_unpatch = demo_post_unpatch,
	},
	{ }
};

static struct klp_patch demo_patch = {
	.mod = THIS_MODULE,
	.objs = demo_objs,
};

static int __init demo_init(void)
{
	return klp_enable_patch(&demo_patch);
}

static void __exit demo_exit(void)
{
}

module_init(demo_init);
module_exit(demo_exit);
MODULE_DESCRIPTION("Livepatch sample: callbacks around the patching of a module");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
