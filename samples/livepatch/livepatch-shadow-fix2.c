// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-shadow-fix2 - takes over the shadow variables of the fix that it replaces
 *
 * The cumulative successor of livepatch-shadow-fix1: it reads the counters which that one left,
 * also shows them, and notes in a second shadow variable when a safe was locked.  That one has a
 * constructor, for a value that is not all zeroes, and a destructor, which tells of its end.
 *
 *	# insmod livepatch-shadow-mod.ko
 *	# echo add 1 4711 > /proc/livepatch_safes
 *	# echo add 2 4712 > /proc/livepatch_safes
 *	# insmod livepatch-shadow-fix1.ko
 *	# for pin in 1 2 3; do echo open 1 $pin > /proc/livepatch_safes; done
 *	# insmod livepatch-shadow-fix2.ko
 *	# cat /proc/livepatch_safes
 *	safe 1: 3 failures
 *	safe 2: 0 failures
 *	# echo open 1 4711 > /proc/livepatch_safes
 *	bash: echo: write error: Key has been revoked		still locked: the count was kept
 *	# for pin in 1 2 3; do echo open 2 $pin > /proc/livepatch_safes; done
 *	# cat /proc/livepatch_safes
 *	safe 1: 3 failures, locked at 1795233212
 *	safe 2: 3 failures, locked at 1795233218
 *	# echo 0 > /sys/kernel/livepatch/livepatch_shadow_fix2/enabled
 *	# dmesg | tail
 *	livepatch_shadow_fix2: safe 1 is no longer locked
 *	livepatch_shadow_fix2: safe 2 is no longer locked
 *
 * Going back from here to livepatch-shadow-fix1 is refused, since that one does not know the second
 * variable and would leave it behind.  Disable this one first.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "livepatch-shadow.h"

/**
 * struct lock_note - shadow variable SAFE_LOCKED_AT
 * @when: seconds since 1970
 * @safe: number of the safe
 */
struct lock_note {
	time64_t when;
	unsigned int safe;
};

/*
 * Which variables may be used.  A variable must not appear before everybody runs code that frees
 * it, see livepatch-shadow-fix1.c.  With the counters that is so from the start when the patch to
 * be replaced knows them; the notes are new and wait for the end of the transition.
 */
static bool counting, noting;

/* Runs once for each variable, before anybody can find it.  Must not sleep. */
static int lock_note_ctor(void *obj, void *shadow_data, void *ctor_data)
{
	struct lock_note *note = shadow_data;
	struct safe *safe = obj;

	note->when = ktime_get_real_seconds();
	note->safe = safe->number;
	return 0;
}

/*
 * Runs when nobody can find the variable any more.  Must not sleep either, and must not look into
 * @obj: at the end of a disabled patch, that may have been freed long before.
 */
static void lock_note_dtor(void *obj, void *shadow_data)
{
	struct lock_note *note = shadow_data;

	pr_info("safe %u is no longer locked\n", note->safe);
}

/* The time is a convenience: without memory for it the safe is locked all the same. */
static void fix2_note(struct safe *safe)
{
	if (READ_ONCE(noting))
		klp_shadow_get_or_alloc(safe, SAFE_LOCKED_AT, sizeof(struct lock_note), GFP_KERNEL,
					lock_note_ctor, NULL);
}

static int fix2_open(struct safe *safe, unsigned int pin)
{
	unsigned int *failures;

	if (!READ_ONCE(counting))
		return safe->pin == pin ? 0 : -EACCES;

	failures = klp_shadow_get_or_alloc(safe, SAFE_FAILURES, sizeof(*failures), GFP_KERNEL,
					   NULL, NULL);
	if (!failures)
		return -ENOMEM;
	if (*failures >= SAFE_MAX_FAILURES) {
		fix2_note(safe);
		return -EKEYREVOKED;
	}
	if (safe->pin != pin) {
		if (++*failures == SAFE_MAX_FAILURES)
			fix2_note(safe);
		return -EACCES;
	}

	klp_shadow_free(safe, SAFE_FAILURES, NULL);
	return 0;
}

static void fix2_show(struct seq_file *m, struct safe *safe)
{
	unsigned int *failures = NULL;
	struct lock_note *note = NULL;

	if (READ_ONCE(counting))
		failures = klp_shadow_get(safe, SAFE_FAILURES);
	if (READ_ONCE(noting))
		note = klp_shadow_get(safe, SAFE_LOCKED_AT);

	seq_printf(m, "safe %u: %u failures", safe->number, failures ? *failures : 0);
	if (note)
		seq_printf(m, ", locked at %lld", note->when);
	seq_putc(m, '\n');
}

static void fix2_drop(struct safe *safe)
{
	klp_shadow_free(safe, SAFE_FAILURES, NULL);
	klp_shadow_free(safe, SAFE_LOCKED_AT, lock_note_dtor);
	list_del(&safe->node);
	kfree(safe);
}

static int fix2_pre_patch(struct klp_object *obj)
{
	counting = klp_get_prev_state(SAFE_FAILURES);
	return 0;
}

static void fix2_post_patch(struct klp_object *obj)
{
	WRITE_ONCE(counting, true);
	WRITE_ONCE(noting, true);
}

static void fix2_pre_unpatch(struct klp_object *obj)
{
	WRITE_ONCE(counting, false);
	WRITE_ONCE(noting, false);
}

/*
 * Disabled, or turned back halfway by "echo 0 > enabled" during the transition.  In the second case
 * the older patch stays, and so do the counters, which are its own.  The notes go in any case:
 * their destructor is code of this module.
 */
static void fix2_post_unpatch(struct klp_object *obj)
{
	if (!klp_get_prev_state(SAFE_FAILURES))
		klp_shadow_free_all(SAFE_FAILURES, NULL);
	klp_shadow_free_all(SAFE_LOCKED_AT, lock_note_dtor);
}

static struct klp_func safe_funcs[] = {
	{ .old_name = "safe_open", .new_func = fix2_open },
	{ .old_name = "safe_show", .new_func = fix2_show },
	{ .old_name = "safe_drop", .new_func = fix2_drop },
	{ }
};

static struct klp_func no_funcs[] = {
	{ }
};

static struct klp_object fix2_objs[] = {
	{
		.name = "livepatch_shadow_mod",
		.funcs = safe_funcs,
	},
	{
		.funcs = no_funcs,
		.callbacks.pre_patch = fix2_pre_patch,
		.callbacks.post_patch = fix2_post_patch,
		.callbacks.pre_unpatch = fix2_pre_unpatch,
		.callbacks.post_unpatch = fix2_post_unpatch,
	},
	{ }
};

static struct klp_state fix2_states[] = {
	{ .id = SAFE_FAILURES, .version = 1 },
	{ .id = SAFE_LOCKED_AT, .version = 1 },
	{ }
};

static struct klp_patch fix2_patch = {
	.mod = THIS_MODULE,
	.objs = fix2_objs,
	.states = fix2_states,
	.replace = true,
};

static int __init fix2_init(void)
{
	return klp_enable_patch(&fix2_patch);
}

static void __exit fix2_exit(void)
{
}

module_init(fix2_init);
module_exit(fix2_exit);
MODULE_DESCRIPTION("Livepatch sample: a cumulative fix that takes over shadow variables");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
