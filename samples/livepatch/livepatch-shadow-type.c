// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-shadow-type - shadow variables that somebody else cleans up
 *
 * The fix of livepatch-shadow-fix1, with one more idea: after three wrong numbers a safe is locked
 * for a minute, not for ever.  So a variable holds a delayed work, whose code is in this module: it
 * has to be cancelled before the module goes, and waited for.  That takes a destructor that may
 * sleep.  The variables have a type and the type belongs to a system state, so when the state
 * leaves, the core calls the destructor for each variable that is left, where it may sleep.
 *
 *	# insmod livepatch-shadow-mod.ko
 *	# echo add 1 4711 > /proc/livepatch_safes
 *	# echo add 2 4712 > /proc/livepatch_safes
 *	# insmod livepatch-shadow-type.ko
 *	# for pin in 1 2 3; do echo open 1 $pin > /proc/livepatch_safes; done
 *	bash: echo: write error: Permission denied			three times
 *	# echo open 1 4711 > /proc/livepatch_safes
 *	bash: echo: write error: Resource temporarily unavailable	right, but too early
 *	# echo open 2 1 > /proc/livepatch_safes
 *	bash: echo: write error: Permission denied
 *	# cat /sys/kernel/debug/livepatch/shadow
 *	5afe0003 2 192							id, variables, bytes
 *	# echo 0 > /sys/kernel/livepatch/livepatch_shadow_type/enabled
 *	# cat /sys/kernel/debug/livepatch/shadow			nothing
 *	# dmesg | tail
 *	livepatch_shadow_type: safe 2: wrong numbers forgotten: 1
 *	livepatch_shadow_type: safe 1: wrong numbers forgotten: 3
 *	# rmmod livepatch_shadow_type
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "livepatch-shadow.h"

#define SAFE_LOCK_SECONDS	60

/**
 * struct guesses - shadow variable SAFE_GUESSES
 * @safe:   number of the safe
 * @wrong:  wrong numbers in a row
 * @forget: unlocks the safe
 */
struct guesses {
	unsigned int safe;
	unsigned int wrong;
	struct delayed_work forget;
};

static void guesses_forget(struct work_struct *work)
{
	struct guesses *guesses = container_of(to_delayed_work(work), struct guesses, forget);

	WRITE_ONCE(guesses->wrong, 0);
}

/* Runs once for each variable, before anybody can find it.  Must not sleep. */
static int guesses_ctor(void *obj, void *shadow_data, void *ctor_data)
{
	struct guesses *guesses = shadow_data;
	struct safe *safe = obj;

	guesses->safe = safe->number;
	INIT_DELAYED_WORK(&guesses->forget, guesses_forget);
	return 0;
}

/*
 * Runs when nobody can find the variable any more, in type_drop() and type_open() below, or in a
 * worker of the core.  It may sleep in all of them.  It must not look into @obj, which may be gone.
 */
static void guesses_dtor(void *obj, void *shadow_data)
{
	struct guesses *guesses = shadow_data;

	cancel_delayed_work_sync(&guesses->forget);
	if (guesses->wrong)
		pr_info("safe %u: wrong numbers forgotten: %u\n", guesses->safe, guesses->wrong);
}

static const struct klp_shadow_type guesses_type = {
	.id = SAFE_GUESSES,
	.ctor = guesses_ctor,
	.dtor = guesses_dtor,
};

/* Only when everybody runs the new code: see livepatch-shadow-fix1.c. */
static bool counting;

/* The callers of the original hold the module's mutex: nobody else looks at this safe now. */
static int type_open(struct safe *safe, unsigned int pin)
{
	struct guesses *guesses;

	if (!READ_ONCE(counting))
		return safe->pin == pin ? 0 : -EACCES;

	guesses = klp_shadow_type_get_or_alloc(safe, &guesses_type, sizeof(*guesses), GFP_KERNEL,
					       NULL);
	if (!guesses)
		return -ENOMEM;
	if (READ_ONCE(guesses->wrong) >= SAFE_MAX_FAILURES)
		return -EAGAIN;
	if (safe->pin != pin) {
		if (++guesses->wrong == SAFE_MAX_FAILURES)
			schedule_delayed_work(&guesses->forget, SAFE_LOCK_SECONDS * HZ);
		return -EACCES;
	}

	klp_shadow_type_free(safe, &guesses_type);
	return 0;
}

/* What was attached to an object goes before the object. */
static void type_drop(struct safe *safe)
{
	klp_shadow_type_free(safe, &guesses_type);
	list_del(&safe->node);
	kfree(safe);
}

/* The state is there: either it has come, or it was to go and stays. */
static void type_post_patch(struct klp_patch *patch, struct klp_state *state)
{
	WRITE_ONCE(counting, true);
}

static void type_pre_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	WRITE_ONCE(counting, false);
}

static struct klp_func safe_funcs[] = {
	{ .old_name = "safe_open", .new_func = type_open },
	{ .old_name = "safe_drop", .new_func = type_drop },
	{ }
};

static struct klp_object type_objs[] = {
	{
		.name = "livepatch_shadow_mod",
		.funcs = safe_funcs,
	},
	{ }
};

static struct klp_state type_states[] = {
	{ .id = SAFE_GUESSES, .version = 1 },
	{ }
};

static const struct klp_state_ops type_state_ops[] = {
	{
		.id = SAFE_GUESSES,
		.post_patch = type_post_patch,
		.pre_unpatch = type_pre_unpatch,
		.shadow = &guesses_type,
	},
	{ }
};

static struct klp_patch type_patch = {
	.mod = THIS_MODULE,
	.objs = type_objs,
	.states = type_states,
	.state_ops = type_state_ops,
	.replace = true,
};

static int __init type_init(void)
{
	return klp_enable_patch(&type_patch);
}

static void __exit type_exit(void)
{
}

module_init(type_init);
module_exit(type_exit);
MODULE_DESCRIPTION("Livepatch sample: shadow variables that the core destroys");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
